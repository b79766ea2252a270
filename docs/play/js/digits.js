// Digits to learn from, fetched when they are asked for by a script beside the page's own: from disk a browser fetches
// nothing else. They travel with four bits a pixel, compressed.
import { SIDE } from "./centring.js";
import { make } from "./dom.js";
import { breathe } from "./slices.js";
import { tensor } from "./tensor.js";

const LEVELS = 15; // above paper
const AT_ONCE = 250; // digits that are unpacked in one task

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
  const images = [];
  while (images.length < labels.length) {
    if (images.length % AT_ONCE === 0) {
      await breathe();
    }
    images.push(imageOf(bytes, images.length));
  }
  return { images, labels: Array.from(labels, Number) };
}

function imageOf(bytes, number) {
  const image = tensor([1, SIDE, SIDE]);
  const { data } = image;
  for (let place = 0; place < data.length; place += 1) {
    const byte = bytes[(number * data.length + place) >> 1];
    data[place] = (place % 2 === 0 ? byte >> 4 : byte & 15) / LEVELS;
  }
  return image;
}
