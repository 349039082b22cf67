/*
 * Numbers as pictures. Zero is black, positive numbers go over orange to pale yellow, negative ones over
 * blue to pale blue: orange and blue are told apart with every kind of colour blindness, and brightness
 * alone says how far a number is from zero. It grows with the square root, so that weak numbers show.
 */
"use strict";

const POSITIVE = [[0, 0, 0], [213, 94, 0], [255, 236, 190]];
const NEGATIVE = [[0, 0, 0], [0, 114, 178], [200, 232, 255]];

/** Return red, green and blue (0 to 255) for a number, given the largest distance from zero. */
function shade(value, largest) {
  const strength = largest > 0 ? Math.sqrt(Math.min(Math.abs(value) / largest, 1)) : 0;
  const [from, to] = strength < 0.6 ? [0, 1] : [1, 2];
  const part = strength < 0.6 ? strength / 0.6 : (strength - 0.6) / 0.4;
  const scale = value < 0 ? NEGATIVE : POSITIVE;
  return scale[from].map((start, colour) => start + part * (scale[to][colour] - start));
}

/** Return the largest distance from zero in a list of numbers. */
function largestOf(numbers) {
  let largest = 0;
  for (const number of numbers) largest = Math.max(largest, Math.abs(number));
  return largest;
}

/** Return how the maps of a level lie on its sheet: {columns, rows, tileWidth, tileHeight}. */
function sheetLayout(at) {
  const columns = Math.ceil(Math.sqrt(at.channels));
  const gap = at.height > 1 ? 1 : 0;
  return {
    columns,
    rows: Math.ceil(at.channels / columns),
    tileWidth: at.width + gap,
    tileHeight: at.height + gap,
    gap,
  };
}

/** Draw all maps of a level side by side. A canvas gets one pixel for each number; CSS enlarges it. */
function drawSheet(canvas, at, values = at.output) {
  const layout = sheetLayout(at);
  canvas.width = layout.columns * layout.tileWidth - layout.gap;
  canvas.height = layout.rows * layout.tileHeight - layout.gap;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height); // transparent between the maps
  const largest = largestOf(values);
  for (let i = 0; i < values.length; i++) {
    const map = i % at.channels;
    const point = Math.floor(i / at.channels);
    const x = (map % layout.columns) * layout.tileWidth + (point % at.width);
    const y = Math.floor(map / layout.columns) * layout.tileHeight + Math.floor(point / at.width);
    image.data.set([...shade(values[i], largest), 255], 4 * (y * canvas.width + x));
  }
  context.putImageData(image, 0, 0);
}

/** Draw one map of a level, on the scale of the whole level; of a dense layer all units, 16 in a row. */
function drawMap(canvas, at, map) {
  if (at.height === 1) {
    drawSheet(canvas, at);
    return;
  }
  canvas.width = at.width;
  canvas.height = at.height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(at.width, at.height);
  const largest = largestOf(at.output);
  for (let point = 0; point < at.width * at.height; point++) {
    image.data.set([...shade(at.output[point * at.channels + map], largest), 255], 4 * point);
  }
  context.putImageData(image, 0, 0);
}

/** Draw the photo, or a part of it: {top, bottom, left, right}. */
function drawPhoto(canvas, pixels, part = { top: 0, bottom: 31, left: 0, right: 31 }) {
  canvas.width = part.right - part.left + 1;
  canvas.height = part.bottom - part.top + 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  for (let row = part.top, i = 0; row <= part.bottom; row++) {
    for (let column = part.left; column <= part.right; column++, i++) {
      const from = 3 * (32 * row + column);
      image.data.set([pixels[from], pixels[from + 1], pixels[from + 2], 255], 4 * i);
    }
  }
  context.putImageData(image, 0, 0);
}
