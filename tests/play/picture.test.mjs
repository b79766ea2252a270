// The size that the head of a file names against what Pillow wrote.
import assert from "node:assert/strict";
import { test } from "node:test";
import { module as page, reference } from "./near.mjs";

for (const { name, bytes, size } of reference) {
  test(name, () => assert.deepEqual(page.pictureSize(Uint8Array.from(Buffer.from(bytes, "base64"))), size));
}
