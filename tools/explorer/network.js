/*
 * The forward pass of the course's trained network, in plain JavaScript.
 *
 * A tensor of maps lies in one long array, row by row, point by point, channel by channel: the value
 * of channel c at (row, column) is at ((row * width + column) * channels + c). That is Keras' order
 * (height, width, channels), so the numbers here can be laid beside Keras' one by one.
 *
 * The network is a list of stations. Each begins with what gives it its name (a convolution, a pooling
 * or a dense layer) and goes on with what Keras does before the next of these: a bias, batch
 * normalization, an activation. Every intermediate tensor is kept, so that nothing has to be hidden:
 *
 *     conv1   sum + bias, then GELU
 *     conv2   sum
 *     pool2   largest of 3x3, then batch normalization, then GELU
 *     ...
 *     fc8     sum + bias, then softmax
 */
"use strict";

/** Return the bytes of a base64 text. */
function bytesFromBase64(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Return the number that 16 bits stand for: 1 sign, 5 exponent, 10 fraction (IEEE 754 half precision). */
function numberFromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Return the weights by name, as 32-bit numbers: {"conv1/kernel": Float32Array, ...}. */
function readWeights(arrays, bytes) {
  const halves = Float32Array.from({ length: 65536 }, (_, bits) => numberFromHalf(bits));
  const weights = {};
  for (const { name, type, start, length } of arrays) {
    const stored = type === "float16" ? Uint16Array : Float32Array;
    const numbers = new stored(bytes.buffer, start, length);
    if (type === "float32") {
      weights[name] = numbers;
      continue;
    }
    weights[name] = new Float32Array(length);
    for (let i = 0; i < length; i++) weights[name][i] = halves[numbers[i]];
  }
  return weights;
}

/** Return the error function by its power series, all of whose terms have one sign. */
function erf(x) {
  if (Math.abs(x) > 5.8) return Math.sign(x); // 1 to the last digit
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** Return the probability that a standard normal value is below x. */
function normalShare(x) {
  return 0.5 * (1 + erf(x / Math.SQRT2));
}

/** The activation of this network: x times the probability that a standard normal value is below x. */
function gelu(x) {
  return x * normalShare(x);
}

/** Return a matrix of `rows` x `columns` numbers turned over, in 64 bits. */
function transpose(matrix, rows, columns) {
  const turned = new Float64Array(rows * columns);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = matrix[i++];
  }
  return turned;
}

/**
 * Return all windows of 3x3 points as rows of a matrix (notebook 02 calls this im2col). A window that
 * reaches over the border sees zeros there, so there are as many windows as points.
 */
function windows(input, height, width, channels) {
  const length = 9 * channels;
  const rows = new Float64Array(height * width * length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let tap = 0; tap < 9; tap++) {
        const y = row + Math.floor(tap / 3) - 1;
        const x = column + (tap % 3) - 1;
        if (y < 0 || y >= height || x < 0 || x >= width) continue;
        const from = (y * width + x) * channels;
        rows.set(input.subarray(from, from + channels), (row * width + column) * length + tap * channels);
      }
    }
  }
  return rows;
}

/**
 * Multiply each row of `left` with each row of `right`, number by number, and add up: the weighted sums.
 *
 * Returns one row for each row of `left`. Two loops over the rows and one over their numbers would do.
 * Taking four rows of `left` and two of `right` at a time, so that each number that is fetched is used
 * several times, gives the same sums in a fraction of the time. (All counts here suit: the rows of
 * `left` are a multiple of four, those of `right` of two.)
 */
function multiplyRows(left, right, length) {
  const [leftRows, rightRows] = [left.length / length, right.length / length];
  const sums = new Float32Array(leftRows * rightRows);
  for (let j = 0; j < rightRows; j += 2) {
    const r0 = j * length;
    const r1 = r0 + length;
    for (let i = 0; i < leftRows; i += 4) {
      const l0 = i * length;
      const l1 = l0 + length;
      const l2 = l1 + length;
      const l3 = l2 + length;
      let s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
      for (let k = 0; k < length; k++) {
        const a = right[r0 + k];
        const b = right[r1 + k];
        s00 += left[l0 + k] * a;
        s01 += left[l0 + k] * b;
        s10 += left[l1 + k] * a;
        s11 += left[l1 + k] * b;
        s20 += left[l2 + k] * a;
        s21 += left[l2 + k] * b;
        s30 += left[l3 + k] * a;
        s31 += left[l3 + k] * b;
      }
      const to = i * rightRows + j;
      sums[to] = s00;
      sums[to + 1] = s01;
      sums[to + rightRows] = s10;
      sums[to + rightRows + 1] = s11;
      sums[to + 2 * rightRows] = s20;
      sums[to + 2 * rightRows + 1] = s21;
      sums[to + 3 * rightRows] = s30;
      sums[to + 3 * rightRows + 1] = s31;
    }
  }
  return sums;
}

/** Keep the largest number of each 3x3 window. Windows move by 2 and are cut off at the border. */
function poolMax(input, height, width, channels) {
  const [rows, columns] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const output = new Float32Array(rows * columns * channels).fill(-Infinity);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const to = (row * columns + column) * channels;
      for (let y = 2 * row; y < Math.min(2 * row + 3, height); y++) {
        for (let x = 2 * column; x < Math.min(2 * column + 3, width); x++) {
          const from = (y * width + x) * channels;
          for (let channel = 0; channel < channels; channel++) {
            if (input[from + channel] > output[to + channel]) output[to + channel] = input[from + channel];
          }
        }
      }
    }
  }
  return output;
}

/** Weigh all inputs for each unit. The kernel lies as in Keras: (input, unit). */
function weighAll(input, kernel, units) {
  const sums = new Float64Array(units);
  let weight = 0;
  for (const value of input) {
    for (let unit = 0; unit < units; unit++) sums[unit] += value * kernel[weight++];
  }
  return Float32Array.from(sums);
}

/** Turn scores into probabilities; the largest score is taken off first, which changes nothing. */
function softmax(scores) {
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return Float32Array.from(powers, (power) => power / total);
}

class Network {
  /** description: what build.py found in the Keras network; bytes: its weights. */
  constructor(description, bytes) {
    this.description = description;
    this.stations = description.stations;
    this.weights = readWeights(description.arrays, bytes);
  }

  /** Return the channel's pixel value (0 to 255) on the scale that conv1 reads. */
  rescale(value, colour) {
    return (value - this.description.mean[colour]) / this.description.std[colour];
  }

  /**
   * Run the network on 32 x 32 x 3 pixel values from 0 to 255.
   *
   * Returns a list with one entry for the photo and one for each station: {name, kind, height, width,
   * channels, sums, biased, normalized, output}. `sums` is what the layer itself computes, `output`
   * what the next station reads; what a station does not have is left out.
   */
  run(pixels) {
    const photo = Float32Array.from(pixels, (value, i) => this.rescale(value, i % 3));
    const done = [{ name: "photo", kind: "photo", height: 32, width: 32, channels: 3, pixels, output: photo }];
    for (const station of this.stations) done.push(this.runStation(station, done[done.length - 1]));
    return done;
  }

  /** Return a convolution's kernel with one row for each filter; it is made once. */
  turned(name, length, filters) {
    this.rows ??= {};
    this.rows[name] ??= transpose(this.weights[`${name}/kernel`], length, filters);
    return this.rows[name];
  }

  runStation(station, below) {
    const { name, kind, norm, units } = station;
    const kernel = this.weights[`${name}/kernel`];
    const { height, width, channels } = below;
    let at = { name, kind, height, width, channels: units, station };
    if (kind === "conv") {
      const filters = this.turned(name, 9 * channels, units);
      at.sums = multiplyRows(windows(below.output, height, width, channels), filters, 9 * channels);
    } else if (kind === "pool") {
      at = { ...at, height: Math.ceil(height / 2), width: Math.ceil(width / 2), channels };
      at.sums = poolMax(below.output, height, width, channels);
    } else {
      at = { ...at, height: 1, width: 1 };
      at.sums = weighAll(below.output, kernel, units);
    }
    at.output = at.sums;
    if (station.bias) {
      const bias = this.weights[`${name}/bias`];
      at.output = at.biased = at.sums.map((value, i) => value + bias[i % units]);
    }
    if (norm) {
      const factor = this.weights[`${norm}/moving_variance`].map((v) => 1 / Math.sqrt(v + station.epsilon));
      const mean = this.weights[`${norm}/moving_mean`];
      const beta = this.weights[`${norm}/beta`];
      const maps = at.channels;
      at.output = at.normalized = at.sums.map((v, i) => (v - mean[i % maps]) * factor[i % maps] + beta[i % maps]);
    }
    if (station.activation === "gelu") at.output = at.output.map(gelu);
    if (station.activation === "softmax") at.output = softmax(at.output);
    return at;
  }
}
