"use strict";
// The page: a pad, the input as the network gets it, its answer, its layers.

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("facts").textContent);
const PAD_SIDE = 280;
const MOST_BARS = 12, MOST_TILES = 64, MOST_UNDONE = 20;
const QUIET_MILLISECONDS = 600; // after which the answer is read out
const RAMP = [[13, 13, 41], [52, 46, 125], [31, 120, 160], [74, 188, 138], [253, 231, 76]];

// --- drawing values --------------------------------------------------------------------------------------------------

function colourOf(share) {
  const place = clamp(share, 0, 1) * (RAMP.length - 1), low = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[low].map((one, channel) => one + (RAMP[low + 1][channel] - one) * (place - low));
}

// Paints a canvas pixel by pixel: `colour` returns red, green and blue of a column and a row, or null for none.
function paint(canvas, width, height, colour) {
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let row = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column) {
      const found = colour(column, row);
      if (found) image.data.set([...found, 255], 4 * (row * width + column));
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function rangeOf(values) {
  let low = Infinity, high = -Infinity;
  for (const one of values) {
    low = Math.min(low, one);
    high = Math.max(high, one);
  }
  return { low, high, share: (one) => (high > low ? (one - low) / (high - low) : 0.5) };
}

// How many tiles stand in a row so that the whole is about half as high as it is wide, or square.
const tilesInRow = (tiles, width, height) => clamp(Math.round(Math.sqrt((1.5 * tiles * height) / width)), 1, tiles);

function paintTiles(canvas, values, [height, width, channels], range) {
  const tiles = Math.min(channels, MOST_TILES), columns = tilesInRow(tiles, width, height);
  const rows = Math.ceil(tiles / columns);
  paint(canvas, columns * (width + 1) - 1, rows * (height + 1) - 1, (x, y) => {
    const column = x % (width + 1), row = y % (height + 1);
    const tile = Math.floor(y / (height + 1)) * columns + Math.floor(x / (width + 1));
    if (column === width || row === height || tile >= tiles) return null;
    return colourOf(range.share(values[(row * width + column) * channels + tile]));
  });
}

function paintStrip(canvas, values, range) {
  const rows = Math.ceil(values.length / 64), columns = Math.ceil(values.length / rows);
  canvas.classList.add("strip");
  paint(canvas, columns, rows, (x, y) => {
    const at = y * columns + x;
    return at < values.length ? colourOf(range.share(values[at])) : null;
  });
}

// Values of any shape: maps of the channels, or a strip where there is no map.
function paintValues(canvas, values, shape, range) {
  const sizes = shape.filter((one, at) => one > 1 || at === shape.length - 1);
  if (shape.length >= 3 && shape[0] * shape[1] > 1) paintTiles(canvas, values, shape.slice(-3), range);
  else if (shape.length === 2 && sizes.length === 2) paintTiles(canvas, values, [...shape, 1], range);
  else paintStrip(canvas, values, range);
}

function shown(value) {
  return Number.isInteger(value) ? String(value).replace("-", "−") : value.toPrecision(4).replace("-", "−");
}

// --- the input as the network gets it --------------------------------------------------------------------------------

function paintInput(canvas, input) {
  const { picture } = facts, { low, step, type } = facts.input;
  if (!picture) return paintValues(canvas, input, facts.input.shape, rangeOf(input));
  const { inputWidth: width, inputHeight: height, channels } = picture;
  const byte = (value) => (type === "int8" ? value + 128 : (value - low) / step);
  return paint(canvas, width, height, (column, row) =>
    [0, 1, 2].map((colour) => {
      const channel = channels === 1 ? 0 : picture.bgr ? 2 - colour : colour;
      const at = picture.layout === "nchw" ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
      return byte(input[at]);
    }),
  );
}

// --- files -----------------------------------------------------------------------------------------------------------

const NPY_TYPES = { int8: "|i1", float32: "<f4" };

function npyOf(values, { type, shape }) {
  const sizes = [1, ...shape].join(", ");
  let header = `{'descr': '${NPY_TYPES[type]}', 'fortran_order': False, 'shape': (${sizes},), }`;
  header = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
  return new Blob([Uint8Array.from(start), header, values.slice()], { type: "application/octet-stream" });
}

function valuesOf(name, content) {
  const { type, elements } = facts.input, bytes = new Uint8Array(content);
  const counted = (values) => {
    if (values.length === elements) return values;
    throw new Error(`${name} has ${values.length} values, the network takes ${elements}`);
  };
  if (/\.(csv|txt)$/i.test(name)) return counted(numbersOf(name, new TextDecoder().decode(bytes)));
  let start = 0;
  if (bytes[0] === 0x93) {
    const view = new DataView(content), wide = bytes[6] > 1;
    const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
    start = (wide ? 12 : 10) + length;
    const header = new TextDecoder().decode(bytes.subarray(0, start));
    if (!header.includes(`'${NPY_TYPES[type]}'`) || header.includes("'fortran_order': True")) {
      throw new Error(`${name} is no array of ${type} in the order of C`);
    }
  }
  return counted(new ARRAYS[type](content.slice(start, start + (content.byteLength - start) - ((content.byteLength - start) % ARRAYS[type].BYTES_PER_ELEMENT))));
}

function numbersOf(name, text) {
  const values = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  const fits = (one) => (facts.input.type === "int8" ? Number.isInteger(one) && -128 <= one && one <= 127 : Number.isFinite(one));
  const wrong = values.findIndex((one) => !fits(one));
  if (wrong >= 0) throw new Error(`value ${wrong + 1} of ${name} is none that ${facts.input.type} has`);
  return values;
}

async function pictureFrom(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw new Error(`${file.name || "that"} is no picture that this browser reads`);
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return pictureOf(context.getImageData(0, 0, canvas.width, canvas.height));
}

// --- the pad ---------------------------------------------------------------------------------------------------------

// Bright ink on dark ground, drawn by our own arithmetic, so that every browser makes the same of the same strokes.
class Pad {
  constructor(canvas, { width, height }, changed) {
    const factor = PAD_SIDE / Math.max(width, height);
    this.width = Math.max(1, Math.round(width * factor));
    this.height = Math.max(1, Math.round(height * factor));
    this.canvas = canvas;
    this.changed = changed;
    this.radius = 11;
    this.undone = [];
    this.picture = null; // a picture that was chosen instead of drawn
    this.pen = { x: this.width / 2, y: this.height / 2, down: false, shown: false };
    this.ink = new Uint8Array(this.width * this.height);
    this.listen();
    this.draw();
  }

  get source() {
    return this.picture || { width: this.width, height: this.height, channels: 1, pixels: this.ink };
  }

  // What can be taken back begins here.
  begin() {
    this.undone.push({ ink: this.ink.slice(), picture: this.picture });
    if (this.undone.length > MOST_UNDONE) this.undone.shift();
    if (this.picture) this.ink.fill(0);
    this.picture = null;
  }

  clear() {
    this.begin();
    this.ink.fill(0);
    this.update();
  }

  undo() {
    const last = this.undone.pop();
    if (last) [this.ink, this.picture] = [last.ink, last.picture];
    this.update();
  }

  choose(picture) {
    this.begin();
    this.picture = picture;
    this.update();
  }

  line(x0, y0, x1, y1, radius) {
    const dx = x1 - x0, dy = y1 - y0, length = dx * dx + dy * dy, reach = radius + 1;
    const [left, right] = [Math.min(x0, x1) - reach, Math.max(x0, x1) + reach].map((one) => clamp(Math.round(one), 0, this.width - 1));
    const [top, bottom] = [Math.min(y0, y1) - reach, Math.max(y0, y1) + reach].map((one) => clamp(Math.round(one), 0, this.height - 1));
    for (let row = top; row <= bottom; ++row) {
      for (let column = left; column <= right; ++column) {
        const px = column + 0.5 - x0, py = row + 0.5 - y0;
        const along = length ? clamp((px * dx + py * dy) / length, 0, 1) : 0;
        const distance = Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2), at = row * this.width + column;
        this.ink[at] = Math.max(this.ink[at], Math.round(255 * clamp(radius + 0.5 - distance, 0, 1)));
      }
    }
  }

  update() {
    this.draw();
    this.changed();
  }

  draw() {
    const { width, height, pixels, channels } = this.source;
    paint(this.canvas, this.width, this.height, (x, y) => {
      // A picture is shown whole, its sides kept in proportion.
      const factor = Math.max(width / this.width, height / this.height);
      const column = Math.floor((x + 0.5 - this.width / 2) * factor + width / 2);
      const row = Math.floor((y + 0.5 - this.height / 2) * factor + height / 2);
      if (column < 0 || row < 0 || column >= width || row >= height) return null;
      const at = (row * width + column) * channels;
      return channels === 1 ? [pixels[at], pixels[at], pixels[at]] : [pixels[at], pixels[at + 1], pixels[at + 2]];
    });
    if (this.pen.shown) this.drawPen();
  }

  drawPen() {
    const context = this.canvas.getContext("2d");
    context.beginPath();
    context.arc(this.pen.x, this.pen.y, this.radius, 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = this.pen.down ? "#ffb000" : "#8fc7ff";
    context.stroke();
  }

  listen() {
    const { canvas, pen } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) * this.width) / box.width, ((event.clientY - box.top) * this.height) / box.height];
    };
    const stroke = (event) => {
      // A pen's pressure makes the line wider or thinner; others have none.
      const radius = this.radius * (event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1);
      const [x, y] = place(event);
      this.line(this.from[0], this.from[1], x, y, radius);
      this.from = [x, y];
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.pointer !== undefined) return;
      this.pointer = event.pointerId;
      canvas.setPointerCapture(event.pointerId);
      pen.shown = false;
      this.begin();
      this.from = place(event);
      stroke(event);
      this.update();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
      (events.length ? events : [event]).forEach(stroke);
      this.update();
    });
    const end = (event) => {
      if (event.pointerId === this.pointer) this.pointer = undefined;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => {
      [pen.shown, pen.down] = [false, false];
      this.draw();
    });
  }

  key(event) {
    const { pen } = this, moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const undoes = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
    if (event.key in moves) {
      const [x, y] = moves[event.key], step = event.shiftKey ? 3 : 10;
      const [toX, toY] = [clamp(pen.x + x * step, 0, this.width), clamp(pen.y + y * step, 0, this.height)];
      if (pen.down) this.line(pen.x, pen.y, toX, toY, this.radius);
      Object.assign(pen, { x: toX, y: toY, shown: true });
    } else if (event.key === " " || event.key === "Enter") {
      Object.assign(pen, { down: !pen.down, shown: true });
      if (pen.down) {
        this.begin();
        this.line(pen.x, pen.y, pen.x, pen.y, this.radius);
      }
      say(pen.down ? "pen down" : "pen up");
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else if (undoes) {
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
    this.update();
  }
}

// --- what is shown ---------------------------------------------------------------------------------------------------

let quiet;

// Reads out, politely: what changes quickly is said when it rests.
function say(text, wait = 0) {
  clearTimeout(quiet);
  quiet = setTimeout(() => { byId("status").textContent = text; }, wait);
}

function fail(error) {
  byId("failure").textContent = error.message;
  byId("failure").hidden = false;
}

function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}

// Where an output stands, in each of its shape's sizes.
function placeOf(index) {
  const place = [];
  let rest = index;
  for (const size of [...facts.output.shape].reverse()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return place.join(", ");
}

function barsOf(answer) {
  const values = answer.probabilities || answer.real, names = facts.labels;
  const order = [...values.keys()];
  if (order.length > MOST_BARS) order.sort((a, b) => values[b] - values[a]).splice(MOST_BARS);
  const range = rangeOf(values), most = Math.max(Math.abs(range.low), Math.abs(range.high)) || 1;
  return order.map((index) => ({
    name: answer.probabilities ? names[index] : placeOf(index),
    share: answer.probabilities ? values[index] : Math.abs(values[index]) / most,
    text: answer.probabilities ? percent(values[index]) : shown(values[index]),
    best: index === answer.index,
  }));
}

function showBars(answer) {
  const body = byId("bars").tBodies[0], bars = barsOf(answer);
  while (body.rows.length < bars.length) {
    const row = body.insertRow(), head = document.createElement("th"), bar = document.createElement("div");
    head.scope = "row";
    bar.className = "bar";
    row.append(head);
    row.insertCell().append(bar);
    row.insertCell();
  }
  bars.forEach(({ name, share, text, best }, at) => {
    const row = body.rows[at];
    row.className = best ? "best" : "";
    row.cells[0].textContent = name;
    row.cells[1].firstChild.style.width = `${100 * clamp(share, 0, 1)}%`;
    row.cells[2].textContent = text;
  });
  const classes = (answer.probabilities || answer.real).length;
  const what = answer.probabilities ? "classes" : "outputs";
  const most = classes > bars.length ? `The ${bars.length} highest of ${classes} ${what}. ` : "";
  const how = facts.output.kind === "scores" ? "The net gives scores; these are their softmax." : "";
  byId("bars-note").textContent = most + how;
}

function headlineOf({ probabilities, label, probability, real }) {
  if (probabilities) return [label, percent(probability)];
  return real.length === 1 ? [shown(real[0]), ""] : [`${real.length} outputs`, facts.output.shape.join(" × ")];
}

function showAnswer(answer, empty) {
  const [label, share] = [document.createElement("span"), document.createElement("span")];
  [label.className, share.className] = ["label", "share"];
  [label.textContent, share.textContent] = empty ? ["–", "nothing there yet"] : headlineOf(answer);
  byId("answer").replaceChildren(label, share);
  byId("glance").textContent = empty ? "" : `${label.textContent} ${share.textContent}`;
  byId("raw").textContent = Array.from(answer.output, shown).join(" ");
  say(empty ? "nothing there yet" : `${label.textContent}, ${share.textContent}`, QUIET_MILLISECONDS);
}

function captionOf(step, at, range) {
  const caption = document.createElement("figcaption"), name = document.createElement("b");
  name.textContent = `${at + 1} ${step.operator}`.replace(/[_+]/g, "$&\u200b"); // where it may be broken
  const channels = step.shape[step.shape.length - 1];
  const cut = step.shape.length >= 3 && channels > MOST_TILES ? `, ${MOST_TILES} of ${channels} channels` : "";
  const lines = [`${step.shape.join(" × ")}${cut}`, `${step.type} ${shown(range.low)} to ${shown(range.high)}`];
  caption.append(name, ...lines.flatMap((line) => [document.createElement("br"), line]));
  return caption;
}

function showLayers(steps) {
  const place = byId("layers");
  steps.forEach((step, at) => {
    const figure = place.children[at] || place.appendChild(document.createElement("figure"));
    const canvas = figure.querySelector("canvas") || document.createElement("canvas");
    const range = rangeOf(step.values);
    canvas.className = "pixels";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Output of step ${at + 1}, ${step.operator}`);
    paintValues(canvas, step.values, step.shape, range);
    figure.replaceChildren(canvas, captionOf(step, at, range));
  });
}

function showAll(network, words, empty = false) {
  const seen = byId("seen");
  paintInput(seen, network.input);
  // A high one is made narrow, so that it stays on the screen.
  seen.style.width = `${13 * Math.min(1, (1.5 * seen.width) / seen.height)}rem`;
  byId("framing").textContent = words;
  const answer = network.read(network.run(true));
  boardPanel.show(network.input, answer.output);
  showAnswer(answer, empty);
  showBars(answer);
  showLayers(network.steps());
}

// --- the same on a board ---------------------------------------------------------------------------------------------

// Sends what the page shows to a board, one input after the other, always the newest, and compares the outputs.
class BoardPanel {
  constructor() {
    this.board = null;
    this.port = null;
    this.newest = null; // { input, output } that the board has not answered to yet
    [this.inputs, this.different] = [0, 0];
    byId("on-board").hidden = !("serial" in navigator);
    byId("connect").addEventListener("click", () => (this.board ? this.disconnect("disconnected") : this.connect()));
  }

  tell(text) {
    byId("board-state").textContent = text;
    byId("connect").textContent = this.board ? "Disconnect" : "Connect a board";
  }

  async connect() {
    try {
      this.port = await navigator.serial.requestPort();
      await this.port.open({ baudRate: Number(byId("baud").value) });
      const board = new Board(this.port);
      this.board = board;
      this.tell("Looking for the board …");
      const info = await board.hello();
      if (!facts.modelSha256.startsWith(info.model)) throw new Error(`${info.name} runs another model; flash the firmware of this one`);
      this.tell(`${info.name}, arena of ${info.arenaBytes} bytes.`);
      byId("board-table").hidden = false;
      this.answer();
    } catch (error) {
      await this.disconnect(error.name === "NotFoundError" ? "no port was chosen" : error.message);
    }
  }

  async disconnect(why) {
    const { board, port } = this;
    [this.board, this.port] = [null, null];
    if (board) await board.close();
    if (port) await port.close().catch(() => {});
    this.tell(`Not connected: ${why}.`);
  }

  // What the page has just shown.
  show(input, output) {
    this.newest = { input: bytesIn(input), output: bytesIn(output) };
    if (this.board && this.board.info && !this.busy) this.answer();
  }

  async answer() {
    this.busy = true;
    try {
      while (this.board && this.newest) {
        const { input, output } = this.newest;
        this.newest = null;
        const found = await this.board.run(input);
        const wrong = output.reduce((count, one, at) => count + (one !== found.output[at]), 0);
        ++this.inputs;
        this.different += wrong > 0;
        this.compare(output, found, wrong);
      }
    } catch (error) {
      await this.disconnect(error.message);
    }
    this.busy = false;
  }

  compare(output, found, wrong) {
    const array = ARRAYS[facts.output.type], texts = (bytes) => Array.from(new array(bytes.slice().buffer), shown).join(" ");
    byId("here-output").textContent = texts(output);
    byId("there-output").textContent = texts(found.output);
    const time = Number.isNaN(found.seconds) ? "" : `, ${(1000 * found.seconds).toFixed(2)} ms there`;
    const bytes = wrong ? `✗ ${wrong} of ${output.length} bytes differ` : `✓ all ${output.length} bytes are equal`;
    byId("compared").textContent = `${bytes}${time}. So far ${this.inputs} inputs, ${this.different} different.`;
  }
}

const bytesIn = (values) => new Uint8Array(values.slice().buffer);

// --- both kinds of input ---------------------------------------------------------------------------------------------

function wordsOf({ framing, inverted, note }) {
  return `${framing}${inverted ? ", dark and bright swapped" : ""}${note ? `: ${note}` : ""}.`.replace(/^./, (one) => one.toUpperCase());
}

function startPad(network) {
  const { picture } = facts, square = picture.brightOnDark ? { width: 1, height: 1 } : picture;
  let waiting = false;
  const show = () => {
    waiting = false;
    const found = framed(pad.source, picture, byId("invert").value);
    network.show(found.picture.pixels);
    const empty = !pad.picture && !pad.ink.some(Boolean);
    showAll(network, wordsOf(found), empty);
    byId("pad-hint").hidden = !empty;
    byId("undo").disabled = !pad.undone.length;
  };
  const pad = new Pad(byId("pad"), square, () => {
    if (!waiting) requestAnimationFrame(show);
    waiting = true;
  });
  byId("clear").addEventListener("click", () => pad.clear());
  byId("undo").addEventListener("click", () => pad.undo());
  byId("width").addEventListener("input", (event) => { pad.radius = Number(event.target.value) / 2; });
  byId("invert").addEventListener("change", () => pad.changed());
  startExamples(pad);
  if (!pad.picture) show();
  return async (file) => pad.choose(await pictureFrom(file));
}

function startExamples(pad) {
  const place = byId("examples"), { width, height, channels } = facts.picture;
  if (!place) return;
  const pixels = bytesOf(byId("example-pixels").textContent), size = width * height * channels;
  facts.examples.forEach((label, at) => {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    const picture = { width, height, channels, pixels: pixels.slice(at * size, (at + 1) * size) };
    button.type = "button";
    button.setAttribute("aria-label", `Test image: ${facts.labels[label]}`);
    button.append(canvas);
    canvas.className = "pixels";
    paint(canvas, width, height, (x, y) => [0, 1, 2].map((one) => picture.pixels[(y * width + x) * channels + Math.min(one, channels - 1)]));
    button.addEventListener("click", () => pad.choose(picture));
    place.append(button);
  });
  place.firstChild.click();
  pad.undone = [];
}

function startValues(network) {
  const draw = () => {
    const number = Math.floor(Math.random() * 1000);
    network.fill(number);
    showAll(network, `Random input number ${number}.`);
  };
  byId("random").addEventListener("click", draw);
  draw();
  return async (file) => {
    network.input.set(valuesOf(file.name, await file.arrayBuffer()));
    showAll(network, `${file.name}.`);
  };
}

function listenForFiles(take) {
  const taken = (file) => {
    if (!file) return;
    byId("failure").hidden = true;
    take(file).catch(fail);
  };
  byId("file").addEventListener("change", (event) => {
    taken(event.target.files[0]);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    taken(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => taken(event.clipboardData.files[0]));
}

function listenForSaving(network) {
  byId("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(npyOf(network.input, facts.input));
    link.download = "input.npy";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
}

function testAgain(network) {
  const { inputs } = facts.known;
  if (!inputs) {
    byId("again").textContent = "";
    return;
  }
  const { different } = network.selfTest();
  byId("again").textContent = `In your browser just now: ${inputs} more inputs, ${different} different.`;
  if (different) {
    byId("badge").className = "badge is-failed";
    byId("badge").querySelector("strong").textContent = "✗ Not the same in this browser:";
  }
}

let boardPanel;

async function start() {
  const network = await Network.of(bytesOf(byId("network").textContent), facts);
  testAgain(network);
  boardPanel = new BoardPanel();
  listenForFiles(facts.picture ? startPad(network) : startValues(network));
  listenForSaving(network);
  globalThis.edgemnist = { network, framed, facts };
  document.documentElement.dataset.ready = "";
}

start().catch(fail);
