/*
 * What the visitor does, and what is shown for it: the photo and its tools, the strip of layers, the map of
 * the chosen layer, the six steps. explanation.js fills the part about the chosen unit.
 */
"use strict";

const by = (id) => document.getElementById(id);
const COLOURS = {
  white: [255, 255, 255],
  black: [0, 0, 0],
  red: [213, 40, 20],
  yellow: [240, 210, 40],
  green: [30, 140, 60],
  blue: [20, 90, 200],
};
const SIZES = [1, 2, 4, 8, 16];
const MOST_UNDO = 100;

class Page {
  constructor(data, network) {
    this.text = data.text;
    this.photos = data.photos;
    this.firstLesson = data.firstLesson;
    this.network = network;
    this.classes = network.description.classes;
    this.tool = "look";
    this.pixel = { row: 12, column: 9 }; // the cursor on the photo
    this.units = {}; // the unit that was chosen last in each level
    this.earlier = []; // units to go back to
    this.undo = [];
    this.did = ""; // what is said with the next answer
    this.step = 0;
    this.expanded = false;
  }

  /** Return a text of text.json, by its key such as "photo.title", with {name} replaced by values. */
  say(key, values = {}) {
    const text = key.split(".").reduce((part, name) => part?.[name], this.text);
    if (typeof text !== "string") throw new Error(`no text ${key}`);
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  className(number) {
    return this.classes[number];
  }

  announce(text) {
    by("announcement").textContent = text;
  }

  get at() {
    return this.result[this.unit.level];
  }

  // --- the photo ---

  /** Take a photo as it came: what is drawn on it later can be undone. */
  take(pixels, chosen = null) {
    for (const input of document.querySelectorAll("#choices input")) input.checked = input.value === chosen;
    by("photo-error").textContent = "";
    this.original = pixels;
    this.before = null;
    this.undo = [];
    this.change(pixels, false);
  }

  /** Show changed pixels and run the network on them. */
  change(pixels, canBeUndone = true) {
    if (canBeUndone) this.keepForUndo();
    this.pixels = pixels;
    drawPhoto(by("photo").querySelector("canvas"), pixels);
    // Not `disabled`: that would take the focus away from whoever undoes the last change by keyboard.
    for (const name of ["undo", "reset"]) by(name).setAttribute("aria-disabled", String(this.undo.length === 0));
    if (!this.result) this.run();
    else this.runSoon();
  }

  keepForUndo() {
    this.undo.push(this.pixels);
    if (this.undo.length > MOST_UNDO) this.undo.shift();
  }

  undoLast() {
    if (this.undo.length === 0) {
      this.announce(this.say("tools.nothingToUndo"));
      return;
    }
    this.did = this.say("tools.undone");
    this.change(this.undo.pop(), false);
  }

  undoAll() {
    if (this.undo.length === 0) {
      this.announce(this.say("tools.nothingToUndo"));
      return;
    }
    this.undo = [];
    this.did = this.say("tools.undone");
    this.change(this.original, false);
  }

  /** Run the network when the browser has drawn what is there: several changes then cost one run. */
  runSoon() {
    if (this.waiting) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.run();
    }, 0);
  }

  run() {
    const start = performance.now();
    this.result = this.network.run(this.pixels);
    this.milliseconds = performance.now() - start;
    by("timing").textContent = this.say("timing", { milliseconds: Math.round(this.milliseconds) });
    by("timing").dataset.milliseconds = this.milliseconds;
    const { output } = this.result[this.result.length - 1];
    this.before ??= output;
    this.unit ??= strongest(this.result, 1);
    this.showStrip();
    this.showBars(output);
    const said = by("unit-value").textContent;
    this.showUnit();
    const value = by("unit-value").textContent;
    const changed = this.before !== output && said !== value;
    const unit = changed ? this.say("announce", { title: this.title(), value }) : "";
    if (this.did || changed) this.announce(`${this.did} ${unit}`.trim()); // one text: a second would silence the first
    this.did = "";
    document.body.dataset.runs = Number(document.body.dataset.runs ?? 0) + 1;
  }

  /** Use the chosen tool at a place of the photo. */
  useTool(row, column, newStroke = true) {
    this.pixel = { row, column };
    if (this.tool === "look") {
      this.choose({ level: 0, map: 0, row, column });
      return;
    }
    const size = Number(by("size").value);
    const mean = this.network.description.mean.map(Math.round); // grey: what tells the network least
    const colour = this.tool === "hide" ? mean : COLOURS[by("colour").value];
    if (newStroke) this.keepForUndo();
    this.change(painted(this.pixels, row, column, size, colour), false);
    if (newStroke) this.announce(this.say(this.tool === "hide" ? "tools.hidden" : "tools.drawn", { row, column }));
    this.showPixelCursor();
  }

  showPixelCursor() {
    const size = this.tool === "look" ? 1 : Number(by("size").value);
    const start = Math.floor(size / 2);
    const [top, left] = [Math.max(this.pixel.row - start, 0), Math.max(this.pixel.column - start, 0)];
    const height = Math.min(this.pixel.row - start + size, 32) - top;
    const width = Math.min(this.pixel.column - start + size, 32) - left;
    placeBox(by("photo").querySelector(".cursor"), { top, left, height, width }, 32, 32);
  }

  describePixel() {
    const { row, column } = this.pixel;
    const [red, green, blue] = this.pixels.subarray(3 * (32 * row + column));
    this.announce(this.say("photo.pixel", { row, column, red, green, blue }));
  }

  /** Take the visitor's own photo, or say why that does not work. */
  async takeFile(file) {
    by("photo-error").textContent = "";
    try {
      this.take(await pixelsOfFile(file));
      this.announce(this.say("photo.loaded"));
    } catch (error) {
      this.showError(error);
    }
  }

  showError(error) {
    by("photo-error").textContent = this.say(`errors.${error instanceof PhotoError ? error.key : "noImage"}`);
  }

  // --- the strip of layers ---

  showStrip() {
    for (const [level, button] of [...document.querySelectorAll(".level")].entries()) {
      const canvas = button.querySelector("canvas");
      if (level === 0) drawPhoto(canvas, this.pixels);
      else drawSheet(canvas, this.result[level]);
    }
  }

  showBars(shares) {
    const best = largestOf(shares);
    const before = percent(this.before[shares.indexOf(best)]);
    by("answer").textContent = this.say(before === percent(best) ? "photo.answer" : "photo.answerAfter", {
      name: this.className(shares.indexOf(best)),
      percent: percent(best),
      before,
    });
    for (const [number, bar] of [...document.querySelectorAll(".bar")].entries()) {
      const values = { name: this.className(number), percent: percent(shares[number]) };
      bar.querySelector("i").style.width = `${100 * shares[number]}%`;
      bar.querySelector("b").style.left = `calc(${100 * this.before[number]}% - 1px)`;
      bar.querySelector(".number").textContent = `${values.percent} %`;
      // The thin line on the bar, for those who do not see it.
      const earlier = percent(this.before[number]);
      if (earlier === values.percent) bar.removeAttribute("aria-description");
      else bar.setAttribute("aria-description", this.say("photo.barBefore", { percent: earlier }));
      bar.dataset.value = shares[number];
    }
  }

  /** Choose a level: the unit that was chosen there last, or the brightest. */
  chooseLevel(level) {
    const { length } = this.result;
    const goal = Math.min(Math.max(level, 0), length - 1);
    this.choose(this.units[goal] ?? strongest(this.result, goal));
  }

  // --- the chosen unit ---

  choose(unit, remember = true) {
    const same = ["level", "map", "row", "column"].every((name) => unit[name] === this.unit[name]);
    if (remember && !same) this.earlier.push(this.unit);
    if (unit.level !== this.unit.level) this.expanded = false;
    this.unit = unit;
    if (unit.level === 0) this.pixel = { row: unit.row, column: unit.column };
    this.showUnit();
    this.announce(this.say("announce", { title: this.title(), value: by("unit-value").textContent }));
  }

  /** Choose a unit and bring the reader to its heading. */
  follow(unit) {
    this.choose(unit);
    this.toUnit();
  }

  /** Bring the reader to the heading of the chosen unit, and as much as possible of what is said of it into view. */
  toUnit() {
    by("unit-title").focus({ preventScroll: true });
    bring(by("unit"));
  }

  expand(expanded) {
    this.expanded = expanded;
    this.showUnit();
    by("more").focus();
  }

  title() {
    const { row, column, map } = this.unit;
    const layer = this.at.name;
    if (this.at.kind === "photo") return this.say("unit.titlePixel", { row, column });
    if (layer === "fc8") return this.say("unit.titleClass", { layer, name: this.className(map) });
    return this.say(this.at.kind === "dense" ? "unit.titleUnit" : "unit.titleMap", { layer, map, row, column });
  }

  valueLine() {
    const i = position(this.at, this.unit);
    if (this.at.kind === "photo") {
      const [red, green, blue] = this.pixels.subarray(i - this.unit.map);
      return this.say("unit.valuePixel", { red, green, blue });
    }
    const value = this.at.output[i];
    const key = this.at.name === "fc8" ? "valueClass" : this.at.kind === "dense" ? "valueUnit" : "value";
    return this.say(`unit.${key}`, { value: shown(value), percent: percent(value) });
  }

  showUnit() {
    const { at, unit } = this;
    this.units[unit.level] = unit;
    by("unit-title").textContent = this.title();
    by("unit-layer").textContent = layerLine(this);
    by("unit-value").textContent = this.valueLine();
    by("unit-value").dataset.value = at.output[position(at, unit)];
    by("back").disabled = this.earlier.length === 0;
    by("brightest").hidden = at.kind === "photo" || at.name === "fc8";
    by("brightest").textContent = this.say(at.height > 1 ? "unit.brightest" : "unit.brightestOfAll");
    by("to-sum").hidden = at.kind === "photo";
    this.markLevel();
    this.showMap();
    this.showFields();
    const box = by("photo").querySelector(".field");
    box.hidden = unit.level === 0;
    if (unit.level > 0) placeBox(box, boxOf(receptiveField(this.result, unit)), 32, 32);
    this.showPixelCursor();
    showExplanation(this, by("explanation"), unit);
  }

  /** Mark the chosen level in the strip. Of the levels, and of the bars, Tab reaches one; arrow keys reach the others. */
  markLevel() {
    const last = this.result.length - 1;
    const { output } = this.result[last];
    const inBars = this.unit.level === last;
    const reached = inBars ? this.unit.map : output.indexOf(largestOf(output));
    for (const [level, button] of [...document.querySelectorAll(".level")].entries()) {
      markCurrent(button, level === this.unit.level);
      button.tabIndex = level === this.unit.level || (inBars && level === last - 1) ? 0 : -1;
    }
    for (const [number, bar] of [...document.querySelectorAll(".bar")].entries()) {
      markCurrent(bar, inBars && number === this.unit.map);
      bar.tabIndex = number === reached ? 0 : -1;
    }
  }

  /** Return how the units of a map lie: {rows, columns}; those of a dense layer are set out in rows. */
  grid() {
    if (this.at.height > 1) return { rows: this.at.height, columns: this.at.width };
    const { rows, columns } = sheetLayout(this.at);
    return { rows, columns };
  }

  /** Return where the chosen unit lies in its grid. */
  place(unit = this.unit) {
    if (this.at.height > 1) return { row: unit.row, column: unit.column };
    const { columns } = this.grid();
    return { row: Math.floor(unit.map / columns), column: unit.map % columns };
  }

  /** Return the unit at a place of the grid. */
  unitAt(row, column) {
    const { level, map } = this.unit;
    if (this.at.height > 1) return { level, map, row, column };
    return { level, map: row * this.grid().columns + column, row: 0, column: 0 };
  }

  showMap() {
    const { at, unit } = this;
    const isClass = at.name === "fc8";
    by("map").hidden = by("map-help").hidden = isClass;
    by("all-maps").hidden = at.kind === "photo" || at.height === 1;
    if (isClass) return;
    const canvas = by("map").querySelector("canvas");
    if (at.kind === "photo") drawPhoto(canvas, this.pixels);
    else drawMap(canvas, at, unit.map);
    const { rows, columns } = this.grid();
    placeBox(by("map").querySelector(".cursor"), { ...this.place(), height: 1, width: 1 }, rows, columns);
    const label = at.kind === "photo" ? "photo.canvas" : at.height > 1 ? "unit.map" : "unit.units";
    by("map").setAttribute("aria-label", this.say(label, { layer: at.name, map: unit.map }));
    if (!by("all-maps").hidden) this.showAllMaps();
  }

  showAllMaps() {
    const { at, unit } = this;
    const layout = sheetLayout(at);
    const caption = this.say("unit.allMaps", { layer: at.name });
    const top = Math.floor(unit.map / layout.columns) * layout.tileHeight;
    const left = (unit.map % layout.columns) * layout.tileWidth;
    const frame = { top, left, height: at.height, width: at.width };
    const sheet = figure((canvas) => drawSheet(canvas, at), caption, frame);
    sheet.firstChild.addEventListener("click", (event) => this.choose(unitOnSheet(event, this.at, this.unit.level)));
    by("all-maps").replaceChildren(make("div", {}, sheet));
  }

  /** Show fields for the numbers of map, row and column. */
  showFields() {
    const { at, unit } = this;
    const fields = by("walk-fields");
    const dense = at.height === 1;
    const wanted = [
      [dense ? "fieldUnit" : "fieldMap", "map", at.channels, at.kind !== "photo"],
      ["fieldRow", "row", at.height, !dense],
      ["fieldColumn", "column", at.width, !dense],
    ].filter((field) => field[3]);
    const shape = `${unit.level}`;
    if (fields.dataset.shape !== shape) {
      fields.dataset.shape = shape;
      fields.replaceChildren(...wanted.map(([key, name, count]) => this.field(key, name, count)));
    }
    for (const [, name] of wanted) {
      const input = fields.querySelector(`[name=${name}]`);
      if (input !== document.activeElement) input.value = unit[name];
    }
  }

  field(key, name, count) {
    const label = this.say(`unit.${key}`);
    const choose = (event) => {
      const value = Number(event.target.value);
      const fits = event.target.value !== "" && Number.isInteger(value) && value >= 0 && value < count;
      by("field-error").textContent = fits ? "" : this.say("unit.fieldError", { field: label, last: count - 1 });
      if (fits) this.choose({ ...this.unit, [name]: value });
    };
    // On the way out the field shows the chosen unit's number again, whatever was typed.
    const leave = (event) => {
      event.target.value = this.unit[name];
      by("field-error").textContent = "";
    };
    if (this.at.name === "fc8") {
      const options = this.classes.map((text, value) => make("option", { value }, text));
      return make("label", {}, label, make("select", { name, onchange: choose }, ...options));
    }
    const input = make("input", { type: "number", name, min: 0, max: count - 1, step: 1, oninput: choose, onblur: leave });
    return make("label", {}, label, input);
  }

  /** Move in the map; leave it where it is at the border. */
  walk(down, right) {
    const { rows, columns } = this.grid();
    const place = this.place();
    const [row, column] = [place.row + down, place.column + right];
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      this.announceEdge(down, right);
      return;
    }
    this.choose(this.unitAt(row, column));
  }

  /** Say that the cursor is at an edge. A space more or less makes it news, so that it is said each time. */
  announceEdge(down, right) {
    const edge = down ? (down < 0 ? "top" : "bottom") : right < 0 ? "left" : "right";
    const text = this.say("unit.edge", { edge: this.say(`unit.edges.${edge}`) });
    this.announce(by("announcement").textContent === text ? `${text} ` : text);
  }

  walkMaps(by_) {
    const { channels, kind } = this.at;
    if (kind === "photo") return;
    this.choose({ ...this.unit, map: (this.unit.map + by_ + channels) % channels });
  }

  goBack() {
    const unit = this.earlier.pop();
    if (!unit) return;
    this.choose(unit, false);
    this.toUnit();
  }

  // --- the steps ---

  showStep() {
    const { steps } = this.text.guide;
    const { title, text } = steps[this.step];
    const last = this.step === steps.length - 1;
    const count = this.say("guide.count", { number: this.step + 1, count: steps.length });
    by("step").replaceChildren(
      make("h3", {}, `${count}: ${title}`),
      make("p", { id: "step-text" }, text),
      last && this.firstLesson
        ? make("p", {}, make("a", { href: this.firstLesson, id: "first-lesson" }, this.say("guide.lesson")))
        : "",
    );
    by("step-before").disabled = this.step === 0;
    by("step-next").disabled = last;
  }

  /** Do what the step asks for, and bring the reader there. */
  showMe() {
    const { result } = this;
    const last = result.length - 1;
    const best = result[last].output.indexOf(largestOf(result[last].output));
    const goals = [
      () => document.querySelectorAll(".bar")[best],
      () => this.choose(strongest(result, 1)) ?? by("map"),
      () => (this.unit.level === 1 ? null : this.choose(strongest(result, 1))) ?? by("explanation-title"),
      () => this.choose(strongest(result, this.unit.level === 2 ? 3 : 2)) ?? by("unit-title"),
      () => this.choose({ level: last, map: best, row: 0, column: 0 }) ?? by("unit-title"),
      () => {
        document.querySelector("#tools input[value=hide]").click();
        by("size").value = 8;
        this.showPixelCursor();
        return by("photo");
      },
    ];
    const goal = goals[this.step]();
    goal.focus({ preventScroll: true });
    // The first and the last step are about the photo and the bars: from the photo's top on, both are in view.
    const around = { bar: "photo-section", photo: "photo-section", "explanation-title": "explanation" };
    bring(by(around[goal.id || goal.className] ?? "unit"), goal);
  }
}

/** Scroll, without a movement for those who want none. */
function scrollTo(element, block) {
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  element.scrollIntoView({ block, inline: "nearest", behavior });
}

/** Return how much of the window is free: the steps may stay on top of the rest. */
function freeHeight() {
  return window.innerHeight - parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop || 0);
}

/**
 * Bring an element's top to the top of what is free. Where a goal inside of it would then be too low to be
 * seen, bring that to the bottom instead, so that as much as possible of what leads to it is in view.
 */
function bring(element, goal = element) {
  const [top, { bottom, height }] = [element.getBoundingClientRect().top, goal.getBoundingClientRect()];
  if (goal === element || bottom - top <= freeHeight()) scrollTo(element, "start");
  else scrollTo(goal, height <= freeHeight() ? "end" : "start");
}

/** Return what a layer consists of, in the order in which it is done: "conv1, ... weighted sum → bias → GELU". */
function layerLine(page) {
  const { at, result, unit } = page;
  if (at.kind === "photo") return page.say("layer.photo");
  const parts = layerParts(page, at);
  if (parts.length > 1) return page.say(`layer.${at.kind}`, { layer: at.name, parts: parts.join(page.say("layer.then")) });
  const next = result[unit.level + 1];
  const follows = layerParts(page, next).join(page.say("layer.then"));
  return page.say("layer.sumOnly", { layer: at.name, next: next.name, parts: follows });
}

function layerParts(page, { kind, station }) {
  const keys = [kind === "pool" ? "largest" : "sum", station.bias && "bias", station.norm && "normalize", station.activation];
  return keys.filter(Boolean).map((key) => page.say(`layer.${key}`));
}

/** Place a box over a picture, given in points of a grid of rows x columns. */
function placeBox(element, { top, left, row, column, height, width }, rows, columns) {
  element.style.top = `${(100 * (top ?? row)) / rows}%`;
  element.style.left = `${(100 * (left ?? column)) / columns}%`;
  element.style.height = `${(100 * height) / rows}%`;
  element.style.width = `${(100 * width) / columns}%`;
}

function boxOf({ top, bottom, left, right }) {
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}

function markCurrent(button, current) {
  if (current) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

/** Return the place in a grid of rows x columns that a pointer is at. */
function pointerPlace(event, element, rows, columns) {
  const box = element.querySelector("canvas").getBoundingClientRect();
  const inside = (n, count) => Math.min(Math.max(Math.floor(n), 0), count - 1);
  return {
    row: inside(((event.clientY - box.top) / box.height) * rows, rows),
    column: inside(((event.clientX - box.left) / box.width) * columns, columns),
  };
}

/** Return the unit that a pointer is at on a sheet of all maps. */
function unitOnSheet(event, at, level) {
  const layout = sheetLayout(at);
  const element = event.currentTarget;
  const canvas = element.querySelector("canvas");
  const place = pointerPlace(event, element, canvas.height, canvas.width);
  const [tileRow, tileColumn] = [place.row / layout.tileHeight, place.column / layout.tileWidth].map(Math.floor);
  return {
    level,
    map: Math.min(tileRow * layout.columns + tileColumn, at.channels - 1),
    row: Math.min(place.row % layout.tileHeight, at.height - 1),
    column: Math.min(place.column % layout.tileWidth, at.width - 1),
  };
}

// --- setting the page up ---

/** Fill in the words. */
function fillWords(page) {
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = page.say(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", page.say(element.dataset.label));
  }
  const meanings = page.text.words.list.flatMap(([word, meaning]) => [make("dt", {}, word), make("dd", {}, meaning)]);
  by("words").replaceChildren(...meanings);
  by("keys").replaceChildren(...page.text.keys.list.map((line) => make("li", {}, line)));
  by("sources").replaceChildren(...page.photos.map(({ name }) => make("li", {}, page.say(`photos.${name}.source`))));
}

/** Return the name and size of a level for the strip. */
function levelLines(page, at) {
  if (at.kind === "photo") return [page.say("network.photo"), page.say("network.colours")];
  const { channels: maps, height, width } = at;
  if (height === 1) return [at.name, page.say("network.units", { units: maps })];
  return [at.name, page.say("network.maps", { maps, height, width })];
}

/** Set the strip up: a button for each level, and one for each class. */
function buildStrip(page) {
  const last = page.result.length - 1;
  const buttons = page.result.slice(0, last).map((at, level) => {
    const [name, size] = levelLines(page, at);
    const canvas = make("canvas");
    const button = make(
      "button",
      { type: "button", class: `level ${at.kind}`, "data-level": level, "aria-label": `${name}, ${size}` },
      make("span", { class: "sheet" }, canvas),
      make("strong", {}, name),
      size,
    );
    button.addEventListener("click", (event) => clickLevel(page, level, event));
    return button;
  });
  const bars = page.classes.map((name, map) =>
    make(
      "button",
      { type: "button", class: "bar", onclick: () => page.follow({ level: last, map, row: 0, column: 0 }) },
      make("span", {}, name),
      make("span", { class: "length" }, make("i"), make("b")),
      make("span", { class: "number" }),
    ),
  );
  const label = `${page.result[last].name}, ${page.say("network.classes")}`;
  const group = make("div", { id: "bars", role: "group", "aria-label": label }, make("strong", {}, label), ...bars);
  by("strip").replaceChildren(...buttons, group);
  by("strip").addEventListener("keydown", (event) => walkStrip(page, event));
}

/**
 * A click on a level chooses the unit under the pointer and brings the reader to it; Enter goes into its map.
 * The units of a dense layer are too small here to aim at: a click chooses the layer.
 */
function clickLevel(page, level, event) {
  const sheet = event.currentTarget.querySelector(".sheet");
  const at = page.result[level];
  const byPointer = event.detail > 0 && event.target.closest(".sheet") && at.kind !== "dense";
  if (!byPointer) {
    page.chooseLevel(level);
    page.toUnit();
    if (event.detail === 0) {
      by("map").focus({ preventScroll: true });
      bring(by("unit"), by("map"));
    }
    return;
  }
  const on = { clientX: event.clientX, clientY: event.clientY, currentTarget: sheet };
  if (level === 0) page.choose({ level, map: 0, ...pointerPlace(event, sheet, 32, 32) });
  else page.choose(unitOnSheet(on, at, level));
  page.toUnit();
}

/** Arrow keys in the strip: from level to level, and from bar to bar. */
function walkStrip(page, event) {
  const levels = [...document.querySelectorAll(".level")];
  const bars = [...document.querySelectorAll(".bar")];
  const inBars = bars.indexOf(document.activeElement);
  const level = inBars >= 0 ? levels.length : levels.indexOf(document.activeElement);
  const moves = { ArrowLeft: -1, ArrowRight: 1 };
  if (event.key in moves && !event.altKey && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const goal = Math.min(Math.max(level + moves[event.key], 0), levels.length);
    page.chooseLevel(goal);
    const button = goal < levels.length ? levels[goal] : bars[page.unit.map];
    button.focus();
  } else if (inBars >= 0 && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    event.preventDefault();
    bars[inBars + (event.key === "ArrowUp" ? -1 : 1)]?.focus();
  }
}

/** Keys in the map of the chosen level. */
function walkMap(page, event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const walks = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const others = {
    PageUp: () => page.walkMaps(-1),
    PageDown: () => page.walkMaps(1),
    Home: () => by("brightest").click(),
    Enter: () => by("to-sum").click(),
    Escape: () => document.querySelector("[aria-current=true]").focus(),
  };
  if (event.shiftKey && event.key === "ArrowLeft") page.chooseLevel(page.unit.level - 1);
  else if (event.shiftKey && event.key === "ArrowRight") page.chooseLevel(page.unit.level + 1);
  else if (event.key in walks) page.walk(...walks[event.key]);
  else if (event.key in others) others[event.key]();
  else return;
  event.preventDefault();
  if (by("map").hidden) document.querySelector("[aria-current=true]").focus(); // the classes have no map
}

/** Keys on the photo. */
function walkPhoto(page, event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const walks = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const inside = (n) => Math.min(Math.max(n, 0), 31);
  if (event.key in walks) {
    const [down, right] = walks[event.key];
    const goal = { row: inside(page.pixel.row + down), column: inside(page.pixel.column + right) };
    if (goal.row === page.pixel.row && goal.column === page.pixel.column) page.announceEdge(down, right);
    else {
      page.pixel = goal;
      page.showPixelCursor();
      page.describePixel();
    }
  } else if (event.key === "Enter" || event.key === " ") {
    page.useTool(page.pixel.row, page.pixel.column);
  } else return;
  event.preventDefault();
}

/** Let the pointer look, draw and hide on the photo. */
function listenToPhoto(page) {
  const photo = by("photo");
  photo.addEventListener("keydown", (event) => walkPhoto(page, event));
  photo.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const { row, column } = pointerPlace(event, photo, 32, 32);
    photo.setPointerCapture(event.pointerId);
    page.useTool(row, column);
  });
  photo.addEventListener("pointermove", (event) => {
    if (!photo.hasPointerCapture(event.pointerId) || page.tool === "look") return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      const { row, column } = pointerPlace(part, photo, 32, 32);
      if (row !== page.pixel.row || column !== page.pixel.column) page.useTool(row, column, false);
    }
  });
}

function buildPhotoChoices(page) {
  const labels = page.photos.map(({ name, pixels, thumbnail }) => {
    const take = () => page.take(new Uint8ClampedArray(bytesFromBase64(pixels)), name);
    const input = make("input", { type: "radio", name: "photo", value: name, onchange: take });
    return make("label", {}, input, make("img", { src: thumbnail, alt: "" }), page.say(`photos.${name}.title`));
  });
  by("choices").append(make("div", {}, ...labels));
}

function buildTools(page) {
  for (const tool of ["look", "draw", "hide"]) {
    const choose = () => {
      page.tool = tool;
      by("photo-help").textContent = page.say(`photo.help.${tool}`);
      page.showPixelCursor();
    };
    const input = make("input", { type: "radio", name: "tool", value: tool, onchange: choose, checked: tool === "look" });
    by("tools").append(make("label", {}, input, ` ${page.say(`tools.${tool}`)}`));
  }
  for (const name of Object.keys(COLOURS)) {
    by("colour").append(make("option", { value: name }, page.say(`tools.colours.${name}`)));
  }
  for (const size of SIZES) by("size").append(make("option", { value: size }, page.say("tools.sizeOf", { size })));
  by("size").value = 4;
  by("size").addEventListener("change", () => page.showPixelCursor());
  const directions = { left: [0, -1], right: [0, 1], up: [-1, 0], down: [1, 0] };
  for (const [name, [down, right]] of Object.entries(directions)) {
    const move = () => page.change(shifted(page.pixels, down, right));
    by("shifts").append(make("button", { type: "button", onclick: move }, page.say(`tools.${name}`)));
  }
  by("undo").addEventListener("click", () => page.undoLast());
  by("reset").addEventListener("click", () => page.undoAll());
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest?.("input[type=number], input[type=file], select");
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || inField) return;
    event.preventDefault();
    page.undoLast();
  });
}

/** File, paste, drop. */
function listenToFiles(page) {
  by("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) await page.takeFile(file);
    event.target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input, select") && !event.clipboardData.files.length) return;
    event.preventDefault();
    page.takeFile(event.clipboardData.files[0]);
  });
  by("paste").addEventListener("click", () => pasteByButton(page));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    page.takeFile(event.dataTransfer.files[0]);
  });
}

async function pasteByButton(page) {
  let items;
  try {
    items = await navigator.clipboard.read();
  } catch {
    page.showError(new PhotoError("pasteRefused"));
    return;
  }
  for (const item of items) {
    const type = item.types.find((name) => name.startsWith("image/"));
    if (type) {
      await page.takeFile(await item.getType(type));
      return;
    }
  }
  page.showError(new PhotoError("nothing"));
}

function listenToCamera(page) {
  const dialog = by("camera-dialog");
  const video = dialog.querySelector("video");
  let stop = null;
  by("camera").addEventListener("click", async () => {
    by("photo-error").textContent = "";
    try {
      stop = await startCamera(video);
      dialog.showModal();
    } catch (error) {
      page.showError(error);
    }
  });
  by("camera-take").addEventListener("click", () => {
    page.take(pixelsOfPicture(video, video.videoWidth, video.videoHeight));
    dialog.close();
    page.announce(page.say("photo.loaded"));
  });
  by("camera-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => stop?.()); // also after Escape
}

function listenToUnit(page) {
  const map = by("map");
  map.addEventListener("keydown", (event) => walkMap(page, event));
  map.addEventListener("pointerdown", (event) => {
    const { rows, columns } = page.grid();
    const { row, column } = pointerPlace(event, map, rows, columns);
    page.choose(page.unitAt(row, column));
  });
  by("back").addEventListener("click", () => page.goBack());
  by("brightest").addEventListener("click", () => {
    const { level, map: only } = page.unit;
    page.choose(strongest(page.result, level, page.at.height > 1 ? only : null));
  });
  by("to-sum").addEventListener("click", () => {
    by("sum")?.focus({ preventScroll: true });
    if (by("sum")) bring(by("explanation"), by("sum"));
  });
  by("unit-title").addEventListener("keydown", (event) => {
    if (event.key === "Enter") by("to-sum").click();
  });
  by("explanation").addEventListener("keydown", (event) => {
    // The sum stands below all that it adds up: Enter leads from it to the largest part.
    if (event.key !== "Enter" || event.target.id !== "sum") return;
    event.preventDefault(); // else the same key would press the button at once
    by("explanation").querySelector(".follow")?.focus();
  });
  by("unit").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || map.contains(event.target)) return;
    if (by("map").hidden) document.querySelector("[aria-current=true]").focus();
    else by("map").focus();
  });
}

function listenToGuide(page) {
  const move = (steps) => () => {
    page.step += steps;
    page.showStep();
    const [before, next] = [by("step-before"), by("step-next")];
    if (document.activeElement === document.body || document.activeElement.disabled) (before.disabled ? next : before).focus();
  };
  by("step-before").addEventListener("click", move(-1));
  by("step-next").addEventListener("click", move(1));
  by("step-show").addEventListener("click", () => page.showMe());
  const guide = by("guide");
  by("step-fold").addEventListener("click", (event) => {
    const folded = guide.classList.toggle("folded");
    event.target.setAttribute("aria-expanded", String(!folded));
    event.target.textContent = page.say(folded ? "guide.unfold" : "guide.fold");
  });
  // Whatever is scrolled to stays clear of the steps, as high as they are.
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--guide", `${guide.offsetHeight}px`);
  }).observe(guide);
  by("theme").addEventListener("change", (event) => {
    document.documentElement.dataset.theme = event.target.value;
  });
}

/** Begin: called at the end of index.html. */
function start() {
  const data = JSON.parse(by("data").textContent);
  const network = new Network(data.network, bytesFromBase64(by("weights").textContent));
  by("weights").remove(); // six million letters that nobody needs any more
  const page = new Page(data, network);
  window.explorer = page; // for the curious, in the browser's console
  fillWords(page);
  buildPhotoChoices(page);
  buildTools(page);
  const [first] = data.photos;
  page.result = network.run(new Uint8Array(32 * 32 * 3)); // its shapes are needed for the strip
  buildStrip(page);
  page.result = null;
  page.take(new Uint8ClampedArray(bytesFromBase64(first.pixels)), first.name);
  page.showStep();
  listenToPhoto(page);
  listenToFiles(page);
  listenToCamera(page);
  listenToUnit(page);
  listenToGuide(page);
}
