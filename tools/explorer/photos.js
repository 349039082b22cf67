/*
 * The visitor's own photo, from a file, the clipboard, a drop or the camera, brought to 32 x 32 pixels.
 * All of it happens in the browser. What goes wrong is said in a sentence of text.json ("errors").
 */
"use strict";

const LARGEST_FILE = 100_000_000; // bytes
const WORKING_SIDE = 512; // larger photos are first made smaller by the browser

/** What is wrong with a photo; `key` names the sentence. */
class PhotoError extends Error {
  constructor(key) {
    super(key);
    this.key = key;
  }
}

/** Tell why a file cannot be shown, by its first bytes. */
async function reasonFor(file) {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const text = String.fromCharCode(...head);
  if (/^....ftyp(hei|hev|mif1|msf1)/s.test(text)) return "heic";
  return "noImage";
}

/** Return a file's picture, upright: cameras store how they were held, and the browser turns it. */
async function decode(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return decodeAsElement(file); // drawings (SVG), which createImageBitmap does not take
  }
}

async function decodeAsElement(file) {
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    if (!image.naturalWidth) throw new Error("no size");
    return image;
  } catch {
    throw new PhotoError(await reasonFor(file));
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Return the 32 x 32 x 3 values of a file's middle square. */
async function pixelsOfFile(file) {
  if (!file) throw new PhotoError("nothing");
  if (file.size === 0) throw new PhotoError("empty");
  if (file.size > LARGEST_FILE) throw new PhotoError("tooLarge");
  const picture = await decode(file);
  try {
    return pixelsOfPicture(picture, picture.naturalWidth || picture.width, picture.naturalHeight || picture.height);
  } catch {
    throw new PhotoError("tooLarge");
  } finally {
    picture.close?.();
  }
}

/** Return the 32 x 32 x 3 values of the middle square of a picture, white where it is transparent. */
function pixelsOfPicture(picture, width, height) {
  const side = Math.min(width, height);
  const working = Math.min(side, WORKING_SIDE);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = working;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, working, working);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side, 0, 0, working, working);
  return shrink(context.getImageData(0, 0, working, working).data, working);
}

/** Return the mean colour of each of 32 x 32 equal parts of a square picture; pixels on an edge count in part. */
function shrink(colours, side) {
  const pixels = new Uint8ClampedArray(32 * 32 * 3);
  const overlap = (n, from, to) => Math.min(n + 1, to) - Math.max(n, from);
  for (let row = 0; row < 32; row++) {
    const [top, bottom] = [(row * side) / 32, ((row + 1) * side) / 32];
    for (let column = 0; column < 32; column++) {
      const [left, right] = [(column * side) / 32, ((column + 1) * side) / 32];
      const sums = [0, 0, 0];
      for (let y = Math.floor(top); y < bottom; y++) {
        for (let x = Math.floor(left); x < right; x++) {
          const share = overlap(y, top, bottom) * overlap(x, left, right);
          for (let colour = 0; colour < 3; colour++) sums[colour] += share * colours[4 * (y * side + x) + colour];
        }
      }
      const area = (bottom - top) * (right - left);
      pixels.set(sums.map((sum) => sum / area), 3 * (32 * row + column));
    }
  }
  return pixels;
}

/** Start the camera and show it in a video element; return what stops it. */
async function startCamera(video) {
  if (!navigator.mediaDevices?.getUserMedia) throw new PhotoError("cameraInsecure");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    throw new PhotoError(error.name === "NotFoundError" ? "cameraMissing" : "cameraRefused");
  }
  video.srcObject = stream;
  await video.play();
  return () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
}

/** Return a photo moved by whole pixels; the border repeats where nothing moves in. */
function shifted(pixels, down, right) {
  const moved = new Uint8ClampedArray(pixels.length);
  const inside = (n) => Math.min(Math.max(n, 0), 31);
  for (let row = 0; row < 32; row++) {
    for (let column = 0; column < 32; column++) {
      const from = 3 * (32 * inside(row - down) + inside(column - right));
      moved.set(pixels.subarray(from, from + 3), 3 * (32 * row + column));
    }
  }
  return moved;
}

/** Return a photo with a square of one colour on it, whose middle is at (row, column). */
function painted(pixels, row, column, size, colour) {
  const changed = pixels.slice();
  const [top, left] = [row - Math.floor(size / 2), column - Math.floor(size / 2)];
  for (let y = Math.max(top, 0); y < Math.min(top + size, 32); y++) {
    for (let x = Math.max(left, 0); x < Math.min(left + size, 32); x++) changed.set(colour, 3 * (32 * y + x));
  }
  return changed;
}
