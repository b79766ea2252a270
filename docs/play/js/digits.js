// Digits to learn from, fetched when they are asked for by a script beside the page's own: from disk a browser fetches
// nothing else. They travel with four bits a pixel, compressed.
import { SIDE } from "./centring.js";
import { make } from "./dom.js";
import { tensor } from "./tensor.js";

const LEVELS = 15; // above paper

/** Fetch {training, heldOut}, each {images, labels}, from the script at an address. */
export async function fetchDigits(address) {
  await new Promise((resolve, reject) => {
    const failed = () => reject(new Error("the digits did not arrive: load the page again"));
    document.head.append(make("script", { src: address, onload: resolve, onerror: failed }));
  });
  const { training, heldOut } = globalThis.glassboxData.train;
  return { training: await unpack(training), heldOut: await unpack(heldOut) };
}

/** Two pixels in a byte, gzip, base64. */
async function unpack({ pixels, labels }) {
  const packed = Uint8Array.from(atob(pixels), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const images = Array.from({ length: labels.length }, (_, example) => {
    const image = tensor([1, SIDE, SIDE]);
    for (let place = 0; place < SIDE * SIDE; place += 1) {
      const byte = bytes[(example * SIDE * SIDE + place) >> 1];
      image.data[place] = (place % 2 === 0 ? byte >> 4 : byte & 15) / LEVELS;
    }
    return image;
  });
  return { images, labels: Array.from(labels, Number) };
}
