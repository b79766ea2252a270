// Read a picture of the reader's, in the browser and nowhere else, as gray pixels between 0 and 1.

export const MOST_PIXELS = 50e6;
const LONGEST_SIDE = 320; // a larger picture is made smaller, so that every change shows at once
const GRAY_WEIGHTS = [0.299, 0.587, 0.114]; // as in glassbox.datasets.photo

/** A sentence for the reader, not a fault of the page. */
export class PictureError extends Error {}

/** Width and height that the head of a PNG, JPEG, GIF or WebP file names; null for anything else. */
export function pictureSize(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const letters = (from, count) => String.fromCharCode(...bytes.subarray(from, from + count));
  if (bytes.length < 30) {
    return null;
  }
  if (letters(1, 3) === "PNG") {
    return [view.getUint32(16), view.getUint32(20)];
  }
  if (letters(0, 3) === "GIF") {
    return [view.getUint16(6, true), view.getUint16(8, true)];
  }
  if (letters(0, 4) === "RIFF" && letters(8, 4) === "WEBP") {
    return webpSize(view, letters(12, 4));
  }
  return view.getUint16(0) === 0xffd8 ? jpegSize(view) : null;
}

function webpSize(view, kind) {
  if (kind === "VP8X") {
    return [24, 27].map((at) => 1 + view.getUint16(at, true) + (view.getUint8(at + 2) << 16));
  }
  if (kind === "VP8L") {
    const bits = view.getUint32(21, true);
    return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
  }
  return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
}

/** A JPEG is a chain of segments, each with its length; the one that starts a frame holds the size. */
function jpegSize(view) {
  for (let at = 2; at + 9 < view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    const startsFrame = marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker);
    if (startsFrame) {
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
    if (marker < 0xffc0) {
      return null;
    }
  }
  return null;
}

/** Gray pixels {shape: [1, H, W], data} of a file, made smaller where its longer side passes 320 pixels. */
export async function readPicture(file) {
  const size = pictureSize(new Uint8Array(await file.slice(0, 1 << 20).arrayBuffer()));
  if (size === null) {
    throw new PictureError(`${file.name} is not a PNG, JPEG, GIF or WebP picture. Try another file.`);
  }
  if (size[0] * size[1] > MOST_PIXELS) {
    const millions = Math.round((size[0] * size[1]) / 1e6);
    const most = MOST_PIXELS / 1e6;
    throw new PictureError(
      `${file.name} has ${millions} million pixels and this page takes ${most}. ` +
        "Make it smaller with any image program.",
    );
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new PictureError(`${file.name} cannot be read: it is damaged or not wholly copied. Try another file.`);
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(scale * side)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // what is transparent becomes white
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Float64Array(width * height);
  for (let k = 0; k < data.length; k++) {
    data[k] = GRAY_WEIGHTS.reduce((sum, weight, channel) => sum + weight * rgba[4 * k + channel], 0) / 255;
  }
  return { shape: [1, height, width], data };
}
