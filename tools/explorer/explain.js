/*
 * From a unit back to what it was computed from: its window, the weights, the products, their sum, and
 * what follows the sum. Nothing here draws; interface.js shows what these functions return.
 *
 * A unit is {level, map, row, column}: `level` counts the entries of what Network.run returned (0 is the
 * photo), `map` is the channel. In a dense layer every unit is a map of one point.
 */
"use strict";

/** Return where a unit's value lies in its tensor. */
function position(at, unit) {
  return (unit.row * at.width + unit.column) * at.channels + unit.map;
}

/** Return the range of rows [first, last] of the level below that a range of rows at this level reads. */
function rangeBelow(at, below, [first, last]) {
  if (at.kind === "conv") return [first - 1, last + 1];
  if (at.kind === "pool") return [2 * first, Math.min(2 * last + 2, below.height - 1)];
  return [0, below.height - 1];
}

/**
 * Return the part of the photo that a unit depends on: {top, bottom, left, right} in pixels, all included.
 * (Maps and photo are squares, and windows too, so rows and columns follow the same rule.)
 */
function receptiveField(result, unit) {
  let [rows, columns] = [[unit.row, unit.row], [unit.column, unit.column]];
  for (let level = unit.level; level > 0; level--) {
    rows = rangeBelow(result[level], result[level - 1], rows);
    columns = rangeBelow(result[level], result[level - 1], columns);
  }
  const inside = (n) => Math.min(Math.max(n, 0), 31);
  return { top: inside(rows[0]), bottom: inside(rows[1]), left: inside(columns[0]), right: inside(columns[1]) };
}

/** Return the window of the level below that a unit reads: {top, left, height, width}. */
function windowOf(result, unit) {
  const [at, below] = [result[unit.level], result[unit.level - 1]];
  const [top, bottom] = rangeBelow(at, below, [unit.row, unit.row]);
  const [left, right] = rangeBelow(at, below, [unit.column, unit.column]);
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}

/** Return the points of one map of the level below inside a window, with weight(place, map) if there is one. */
function pointsOf(below, window, map, weight) {
  const points = [];
  for (let place = 0; place < window.height * window.width; place++) {
    const row = window.top + Math.floor(place / window.width);
    const column = window.left + (place % window.width);
    const outside = row < 0 || row >= below.height || column < 0 || column >= below.width;
    const input = outside ? 0 : below.output[position(below, { row, column, map })];
    const point = { row, column, map, outside, input };
    if (weight) {
      point.weight = weight(place, map);
      point.product = input * point.weight;
    }
    points.push(point);
  }
  return points;
}

/** Return a weighted sum map by map, what contributes most first: [{map, points, sum}, ...]. */
function contributions(network, result, unit) {
  const [at, below] = [result[unit.level], result[unit.level - 1]];
  const kernel = network.weights[`${at.name}/kernel`];
  const window = windowOf(result, unit);
  // Keras keeps kernels in the order (row, column, channel in, filter).
  const weight = (place, map) => kernel[(place * below.channels + map) * at.channels + unit.map];
  const groups = [];
  for (let map = 0; map < below.channels; map++) {
    const points = pointsOf(below, window, map, weight);
    groups.push({ map, points, sum: points.reduce((sum, point) => sum + point.product, 0) });
  }
  return groups.sort((one, other) => Math.abs(other.sum) - Math.abs(one.sum));
}

/** Return what happens to a unit's sum, one step after the other: [{name, value, ...}, ...]. */
function stepsAfterSum(network, at, unit) {
  const [i, map] = [position(at, unit), unit.map];
  const { name, station } = at;
  const steps = [];
  if (station.bias) {
    steps.push({ name: "bias", before: at.sums[i], bias: network.weights[`${name}/bias`][map], value: at.biased[i] });
  }
  if (station.norm) {
    const variance = network.weights[`${station.norm}/moving_variance`][map];
    steps.push({
      name: "normalize",
      before: at.sums[i],
      mean: network.weights[`${station.norm}/moving_mean`][map],
      deviation: Math.sqrt(variance + station.epsilon),
      beta: network.weights[`${station.norm}/beta`][map],
      value: at.normalized[i],
    });
  }
  const before = steps.length ? steps[steps.length - 1].value : at.sums[i];
  if (station.activation === "gelu") {
    steps.push({ name: "gelu", before, factor: before, share: normalShare(before), value: at.output[i] });
  }
  if (station.activation === "softmax") {
    const powers = Array.from(at.biased, Math.exp);
    const total = powers.reduce((sum, power) => sum + power, 0);
    steps.push({ name: "softmax", before, power: powers[i], total, value: at.output[i] });
  }
  return steps;
}

/**
 * Explain a unit above the photo.
 *
 * Returns {at, below, window, field, value, steps} and, for a weighted sum, `groups` and `sum`; for a
 * pooling unit `points` of its window and the `winner` among them.
 */
function explain(network, result, unit) {
  const [at, below] = [result[unit.level], result[unit.level - 1]];
  const i = position(at, unit);
  const found = {
    at,
    below,
    unit,
    window: windowOf(result, unit),
    field: receptiveField(result, unit),
    sum: at.sums[i],
    value: at.output[i],
    steps: stepsAfterSum(network, at, unit),
  };
  if (at.kind === "pool") {
    found.points = pointsOf(below, found.window, unit.map);
    found.winner = found.points.reduce((best, point) => (point.input > best.input ? point : best));
  } else {
    found.groups = contributions(network, result, unit);
  }
  return found;
}

/** Return the unit with the largest value of a level, or of one of its maps. */
function strongest(result, level, onlyMap = null) {
  const at = result[level];
  let best = -1;
  for (let i = 0; i < at.output.length; i++) {
    if (onlyMap !== null && i % at.channels !== onlyMap) continue;
    if (best < 0 || at.output[i] > at.output[best]) best = i;
  }
  const point = Math.floor(best / at.channels);
  return { level, map: best % at.channels, row: Math.floor(point / at.width), column: point % at.width };
}
