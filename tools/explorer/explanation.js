/*
 * The right half of the page's last part: what explain.js found about a unit, as tables, figures and lines.
 * `page` is what interface.js knows: {network, result, text, say, choose, ...}.
 */
"use strict";

const IN_FORMULA = ["bias", "mean", "beta", "factor"]; // these follow or precede a sign
const FIRST_GROUPS = 4; // so many maps are shown at first, and so many single products:
const FIRST_PRODUCTS = 8;

/** Return a new element; attributes that begin with "on" are listeners. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return a number as it is shown: four decimals, and the sign that typesetters use. */
function shown(value) {
  const text = value.toFixed(4);
  if (Number(text) === 0) return "0.0000";
  return text.replace("-", "−");
}

function percent(probability) {
  return (100 * probability).toFixed(1);
}

/** Return a number for the middle of a formula, negative ones in parentheses. */
function inFormula(value) {
  return value < 0 ? `(${shown(value)})` : shown(value);
}

/** Return a background for a table's cell that says how large a number is beside the largest. */
function tint(value, largest) {
  const strength = largest > 0 ? (0.35 * Math.abs(value)) / largest : 0;
  return `background: rgba(var(--${value < 0 ? "minus" : "plus"}), ${strength.toFixed(3)})`;
}

/** Return a head of a table's row or column that only a screen reader tells: the places show where they lie. */
function unseenHead(scope, text) {
  return make("th", { scope, class: "unseen-head" }, make("span", { class: "unseen" }, text));
}

/** Return a table with one number of each point of a window, its caption in parts; one point can be framed. */
function windowTable(page, points, width, part, caption, framed = null) {
  const largest = largestOf(points.map((point) => point[part]));
  const columns = points.slice(0, width).map(({ column }) => unseenHead("col", page.say("explain.columnHead", { column })));
  const head = make("thead", {}, make("tr", {}, make("td", { class: "unseen-head" }), ...columns));
  const rows = [];
  for (let start = 0; start < points.length; start += width) {
    const cells = points.slice(start, start + width).map((point) =>
      make(
        "td",
        {
          style: tint(point[part], largest),
          class: [point.outside && "outside", point === framed && "framed"].filter(Boolean).join(" ") || null,
          title: point.outside ? page.say("explain.outside") : null,
          "data-value": point[part],
          "data-part": part,
        },
        shown(point[part]),
      ),
    );
    const { row } = points[start];
    rows.push(make("tr", {}, unseenHead("row", page.say("explain.rowHead", { row })), ...cells));
  }
  return make("table", {}, make("caption", {}, ...caption), head, make("tbody", {}, ...rows));
}

/** Return the unit that a point of a window is. */
function unitOf(page, found, point) {
  return { level: found.unit.level - 1, map: point.map, row: point.row, column: point.column };
}

/** Return what one map of the level below adds: its window, the weights, the products. */
function groupElement(page, found, group) {
  const { below, window } = found;
  const inPhoto = below.kind === "photo";
  const values = { map: group.map, layer: below.name, sum: shown(group.sum) };
  if (inPhoto) values.colour = page.say(`explain.${["red", "green", "blue"][group.map]}`);
  const inside = group.points.filter((point) => !point.outside);
  // The weights are no place to go to: the frame is around the product and the number that it came from.
  const goal = inside.reduce((best, point) => (Math.abs(point.product) > Math.abs(best.product) ? point : best));
  Object.assign(values, { row: goal.row, column: goal.column });
  const follow = make(
    "button",
    {
      type: "button",
      class: "follow",
      "aria-label": page.say(inPhoto ? "explain.followPixelLabel" : "explain.followLabel", values),
      onclick: () => page.follow(unitOf(page, found, goal)),
    },
    page.say(inPhoto ? "explain.followPixel" : "explain.follow"),
  );
  const title = make("span", { "data-sum": group.sum, "data-map": group.map });
  title.textContent = page.say(inPhoto ? "explain.groupColour" : "explain.group", values);
  const whole = found.at.kind === "dense";
  // The line above the three tables says whose they are; who jumps from table to table has only their captions.
  const which = () => make("span", { class: "unseen" }, page.say(inPhoto ? "explain.ofColour" : "explain.ofMap", values));
  const table = (part, caption, framed = null) =>
    windowTable(page, group.points, window.width, part, [page.say(caption), which()], framed);
  return make(
    "div",
    { class: "group" },
    make("div", { class: "row" }, title, follow),
    make(
      "div",
      { class: "triple" },
      table("input", whole ? "explain.wholeMap" : "explain.window", goal),
      make("div", { class: "part" }, make("span", {}, "×"), table("weight", "explain.weights")),
      make("div", { class: "part" }, make("span", {}, "="), table("product", "explain.products", goal)),
    ),
  );
}

/** Return a list of single products, for layers whose inputs are single units. */
function productTable(page, found, groups, caption) {
  const { below } = found;
  const heads = ["unitColumn", "inputColumn", "weightColumn", "productColumn"];
  const head = heads.map((key) => make("th", { scope: "col" }, page.say(`explain.${key}`, { layer: below.name })));
  const rows = groups.map(({ map, points: [point] }) => {
    const go = () => page.follow(unitOf(page, found, point));
    const label = `${below.name} ${map}`;
    const cells = ["input", "weight", "product"].map((part) =>
      make("td", { "data-value": point[part], "data-part": part }, shown(point[part])),
    );
    const button = make("button", { type: "button", class: "follow", onclick: go }, label);
    return make("tr", { "data-map": map }, make("th", { scope: "row" }, button), ...cells);
  });
  return make(
    "div",
    { class: "scroll" },
    make(
      "table",
      { class: "list" },
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...rows),
    ),
  );
}

/** Return a figure with a drawn canvas and, if there is one, a frame around a part of it. */
function figure(draw, caption, frame = null, kind = "") {
  const canvas = make("canvas");
  draw(canvas);
  const picture = make("div", { class: "picture sheet", role: "img", "aria-label": caption }, canvas);
  if (frame) {
    const box = make("div", { class: "field" });
    box.style.left = `${(100 * frame.left) / canvas.width}%`;
    box.style.top = `${(100 * frame.top) / canvas.height}%`;
    box.style.width = `${(100 * frame.width) / canvas.width}%`;
    box.style.height = `${(100 * frame.height) / canvas.height}%`;
    picture.append(box);
  }
  return make("figure", { class: kind || null }, picture, make("figcaption", { "aria-hidden": "true" }, caption));
}

/** Return a window without what reaches over the border. */
function insideOf(window, at) {
  const [top, left] = [Math.max(window.top, 0), Math.max(window.left, 0)];
  const bottom = Math.min(window.top + window.height, at.height);
  const right = Math.min(window.left + window.width, at.width);
  return { top, left, height: bottom - top, width: right - left };
}

/** Return the figures: the window in the layer below, what the unit sees of the photo, its weights. */
function figures(page, found) {
  const { at, below, field, unit, window } = found;
  const list = [];
  const map = at.kind === "pool" ? unit.map : found.groups[0].map;
  if (below.kind === "photo") {
    list.push(figure((c) => drawPhoto(c, below.pixels), page.say("explain.windowInPhoto"), insideOf(window, below)));
  } else if (below.height > 1 && at.kind !== "dense") {
    const caption = page.say(at.kind === "pool" ? "explain.windowInSame" : "explain.windowIn", { layer: below.name, map });
    list.push(figure((c) => drawMap(c, below, map), caption, insideOf(window, below)));
  }
  const [height, width] = [field.bottom - field.top + 1, field.right - field.left + 1];
  const seen = height * width === 1024 ? page.say("explain.fieldAll") : page.say("explain.fieldOn", { height, width });
  list.push(figure((c) => drawPhoto(c, page.result[0].pixels, field), seen));
  if (at.kind === "conv") list.push(filterFigure(page, found));
  if (at.kind === "dense") list.push(...templateFigures(page, found));
  return make("div", { class: "figures" }, ...list);
}

/** Return a picture of all weights of a filter, channel by channel. */
function filterFigure(page, { at, below, unit }) {
  const kernel = page.network.weights[`${at.name}/kernel`];
  const tiles = { height: 3, width: 3, channels: below.channels };
  const weights = Float32Array.from({ length: 9 * below.channels }, (_, i) => kernel[i * at.channels + unit.map]);
  const key = below.kind === "photo" ? "explain.filterColours" : "explain.filter";
  const caption = page.say(key, { map: unit.map, layer: below.name });
  return figure((canvas) => drawSheet(canvas, tiles, weights), caption, null, "template");
}

/** Return three pictures of a dense unit: what comes in, its weights, and both multiplied. */
function templateFigures(page, { at, below, unit }) {
  const kernel = page.network.weights[`${at.name}/kernel`];
  const weights = below.output.map((_, i) => kernel[i * at.channels + unit.map]);
  const products = weights.map((weight, i) => weight * below.output[i]);
  const parts = { templateInput: below.output, templateWeights: weights, templateProducts: products };
  return Object.entries(parts).map(([key, values]) => {
    const caption = page.say(`explain.${key}`, { layer: below.name });
    return figure((canvas) => drawSheet(canvas, below, values), caption, null, "template");
  });
}

/** Return how many contributions are shown at first: the lists and the sum in writing have to agree. */
function firstOf(below) {
  return below.height > 1 ? FIRST_GROUPS : FIRST_PRODUCTS;
}

/** Return what is added up, in writing: what each of the shown maps adds, and all others together. */
function sumTerms(page, { below, groups }) {
  const few = groups.slice(0, firstOf(below));
  const others = groups.slice(few.length).reduce((sum, group) => sum + group.sum, 0);
  const terms = few.map((group) => group.sum);
  const text = terms.map((term, i) => (i === 0 ? shown(term) : inFormula(term))).join(" + ");
  if (groups.length === few.length) return text;
  return page.say("explain.andOthers", { terms: text, others: inFormula(others), count: groups.length - few.length });
}

/** Return the lines from the sum to the number in the map. */
function sumLines(page, found) {
  const { at, groups, winner, steps, value } = found;
  const lines = [];
  const tell = (name, number) => (IN_FORMULA.includes(name) ? inFormula(number) : shown(number));
  const line = (key, values, raw) => {
    const data = Object.fromEntries(Object.entries(raw).map(([name, number]) => [`data-${name}`, number]));
    const told = Object.fromEntries(Object.entries(raw).map(([name, number]) => [name, tell(name, number)]));
    lines.push(make("p", { "data-line": key, ...data }, page.say(`explain.${key}`, { ...told, ...values })));
  };
  const help = (key, values) => lines.push(make("p", { class: "small" }, page.say(`explain.${key}`, values)));
  if (at.kind === "pool") {
    line("winner", { row: winner.row, column: winner.column }, { value: winner.input });
  } else if (at.name === "fc8") {
    const add = (sign) => groups.filter((g) => sign * g.sum > 0).reduce((sum, g) => sum + g.sum, 0);
    line("sumLineScore", {}, { plus: add(1), minus: add(-1), value: found.sum });
  } else {
    line("sumLine", { terms: sumTerms(page, found) }, { value: found.sum });
  }
  for (const { name, ...numbers } of steps) {
    line(`${name}Line`, {}, numbers);
    if (name === "normalize" || name === "gelu") help(`${name}Help`, { before: shown(numbers.before) });
  }
  if (!steps.length) lines.push(nothingFollows(page, found));
  const result = at.name === "fc8" ? "resultClass" : at.kind === "dense" ? "resultUnit" : "result";
  line(result, {}, { value });
  return make("div", { class: "sum", id: "sum", tabindex: "-1" }, ...lines);
}

/** Say that nothing follows the sum, and which layer reads it. */
function nothingFollows(page, found) {
  const next = page.result[found.unit.level + 1].name;
  return make("p", { class: "small" }, page.say("explain.noActivation", { layer: next }));
}

/** Return the opening sentence. */
function opening(page, { at, below, unit, groups }) {
  const count = groups ? groups.reduce((sum, group) => sum + group.points.length, 0) : 0;
  const maps = below.channels;
  const of = below.kind === "photo" ? page.say("explain.colours") : page.say("explain.mapsOf", { layer: below.name });
  if (at.name === "fc8") {
    const name = page.className(unit.map);
    return page.say("explain.class", { count, below: below.name, name });
  }
  const values = { count: count.toLocaleString(document.documentElement.lang), maps, map: unit.map, below: at.kind === "conv" ? of : below.name };
  return page.say(`explain.${at.kind}`, values);
}

/** Return the contributions of a convolution or of the first dense layer. */
function groupList(page, found) {
  const { groups } = found;
  const some = page.expanded ? groups : groups.slice(0, firstOf(found.below));
  const others = groups.slice(some.length);
  const list = [make("h3", {}, page.say("explain.strongestFirst"))];
  if (found.below.height > 1) {
    list.push(make("p", { class: "small" }, page.say("explain.framed")));
    list.push(...some.map((group) => groupElement(page, found, group)));
  } else list.push(productTable(page, found, some, ""));
  if (others.length) list.push(othersLine(page, "others", others));
  return [...list, moreButton(page, groups.length)];
}

/** Return the line about what is not shown one by one. */
function othersLine(page, key, others) {
  const sum = others.reduce((total, group) => total + group.sum, 0);
  const values = { count: others.length, sum: shown(sum) };
  return make("p", { "data-others": sum }, page.say(`explain.${key}`, values));
}

/** Return the button that shows all contributions, or none if they all show anyway. */
function moreButton(page, count) {
  if (count <= FIRST_GROUPS) return null;
  const text = page.expanded ? page.say("explain.less") : page.say("explain.more", { count });
  const turn = () => page.expand(!page.expanded);
  return make("button", { type: "button", id: "more", "aria-expanded": String(page.expanded), onclick: turn }, text);
}

/** Return what speaks for and against a class. */
function forAndAgainst(page, found) {
  const name = page.className(found.unit.map);
  const sides = [
    ["for", found.groups.filter((group) => group.sum > 0)],
    ["against", found.groups.filter((group) => group.sum < 0)],
  ];
  const parts = sides.map(([side, groups]) => {
    const some = page.expanded ? groups : groups.slice(0, FIRST_PRODUCTS);
    const others = groups.slice(some.length);
    const key = side === "for" ? "othersFor" : "othersAgainst";
    const rest = others.length ? othersLine(page, key, others) : null;
    return make("div", {}, productTable(page, found, some, page.say(`explain.${side}`, { name })), rest);
  });
  return [make("div", { class: "sides" }, ...parts), moreButton(page, found.groups.length)];
}

/** Return the table of all ten classes: score, power, probability. */
function scoreTable(page, { at }) {
  const heads = ["classColumn", "scoreColumn", "powerColumn", "shareColumn"];
  const head = heads.map((key) => make("th", { scope: "col" }, page.say(`explain.${key}`)));
  const order = [...at.output.keys()].sort((one, other) => at.output[other] - at.output[one]);
  const rows = order.map((map) => {
    const numbers = { score: at.biased[map], power: Math.exp(at.biased[map]), share: at.output[map] };
    const cells = Object.entries(numbers).map(([part, number]) =>
      make("td", { "data-value": number, "data-part": part }, shown(number)),
    );
    return make("tr", { "data-map": map }, make("th", { scope: "row" }, page.className(map)), ...cells);
  });
  const caption = make("caption", {}, page.say("explain.scores"));
  const body = make("tbody", {}, ...rows);
  return make(
    "div",
    { class: "scroll", id: "scores" },
    make("table", { class: "list" }, caption, make("thead", {}, make("tr", {}, ...head)), body),
  );
}

/** Return the winner's window of a pooling unit, and the button that follows the winner. */
function poolWindow(page, found) {
  const { below, points, unit, window, winner } = found;
  const caption = page.say("explain.poolWindow", { map: unit.map, layer: below.name });
  const go = () => page.follow(unitOf(page, found, winner));
  return [
    windowTable(page, points, window.width, "input", [caption], winner),
    make("p", {}, make("button", { type: "button", class: "follow", onclick: go }, page.say("explain.followWinner"))),
  ];
}

/** Return a pixel's three numbers, as they are and as conv1 reads them. */
function pixelTable(page, unit) {
  const { mean, std } = page.network.description;
  const heads = ["colourColumn", "pixelColumn", "scaledColumn", "pixelResult"];
  const head = heads.map((key) => make("th", { scope: "col" }, page.say(`explain.${key}`)));
  const rows = ["red", "green", "blue"].map((colour, map) => {
    const at = 3 * (32 * unit.row + unit.column) + map;
    const [value, scaled] = [page.result[0].pixels[at], page.result[0].output[at]];
    return make(
      "tr",
      { "data-map": map },
      make("th", { scope: "row" }, page.say(`explain.${colour}`)),
      make("td", { "data-value": value, "data-part": "pixel" }, String(value)),
      make("td", {}, `(${value} − ${mean[map]}) ÷ ${std[map]}`),
      make("td", { "data-value": scaled, "data-part": "input" }, shown(scaled)),
    );
  });
  const body = make("tbody", {}, ...rows);
  return make(
    "div",
    { class: "scroll" },
    make("table", { class: "list" }, make("thead", {}, make("tr", {}, ...head)), body),
  );
}

/** Fill the element with all that there is to say about a unit. */
function showExplanation(page, element, unit) {
  const title = make("h3", { id: "explanation-title", tabindex: "-1" }, page.say("explain.title"));
  if (unit.level === 0) {
    element.replaceChildren(title, make("p", {}, page.say("explain.pixel")), pixelTable(page, unit));
    return;
  }
  const found = explain(page.network, page.result, unit);
  const parts = [make("p", {}, opening(page, found))];
  if (found.below.kind === "photo") parts.push(make("p", { class: "small" }, page.say("explain.rescaled")));
  if (found.at.kind === "pool") parts.push(...poolWindow(page, found));
  else if (found.at.name === "fc8") parts.push(...forAndAgainst(page, found));
  else parts.push(...groupList(page, found));
  parts.push(sumLines(page, found));
  if (found.at.name === "fc8") parts.push(scoreTable(page, found));
  element.replaceChildren(title, figures(page, found), ...parts.filter((part) => part !== null));
}
