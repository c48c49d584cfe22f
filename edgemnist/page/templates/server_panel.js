"use strict";
// The same picture in the engines of the server that the page comes from, side by side.

const REST_MILLISECONDS = 120; // what is drawn is sent when it rests

async function askServer(engine, { width, height, channels, pixels }, signal) {
  const rows = Array.from({ length: height }, (_, row) => {
    const line = Array.from(pixels.subarray(row * width * channels, (row + 1) * width * channels));
    return channels === 1 ? line : Array.from({ length: width }, (_, at) => line.slice(3 * at, 3 * at + 3));
  });
  const { name, version } = facts.server;
  const address = `/engines/${encodeURIComponent(name)}?version=${version}&engine=${encodeURIComponent(engine)}&invert=no`;
  const response = await fetch(address, {
    method: "POST", signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ pixels: rows }),
  });
  const found = await response.json();
  if (!response.ok) throw new Error(found.error);
  return found.engines[0];
}

// One engine: takes pictures, the newest first, and fills its row of the table.
class EngineRow {
  constructor(engine, body, changed) {
    this.engine = engine;
    this.changed = changed;
    [this.newest, this.found, this.of] = [null, null, null];
    this.row = body.insertRow();
    const head = document.createElement("th"), name = document.createElement("span"), detail = document.createElement("span");
    [head.scope, name.textContent, detail.className] = ["row", engine.title, "detail"];
    head.append(name, detail);
    this.row.append(head);
    this.cells = Object.fromEntries(["answer", "time", "compared"].map((one) => {
      const cell = this.row.insertCell();
      cell.className = one;
      return [one, cell];
    }));
    this.detail = detail;
    if (engine.missing) this.tell(`not here: ${engine.missing}`);
  }

  tell(text) {
    this.cells.compared.textContent = text;
    [this.cells.answer.textContent, this.cells.time.textContent] = ["–", ""];
    this.row.classList.remove("differs", "disagrees");
  }

  ask(shown) {
    if (this.engine.missing) return;
    this.newest = shown;
    if (!this.busy) this.follow();
  }

  async follow() {
    this.busy = true;
    while (this.newest) {
      const shown = this.newest;
      this.newest = null;
      if (!this.found) this.tell("starting …");
      this.row.classList.add("waiting");
      const found = await askServer(this.engine.name, shown.picture).catch((error) => ({ problem: error.message }));
      this.row.classList.toggle("waiting", this.newest !== null);
      [this.found, this.of] = [found, shown];
      if (found.problem) this.tell(found.problem);
      else this.fill(found);
      this.changed();
    }
    this.busy = false;
  }

  fill({ label, confidence, milliseconds, instructions, runtime, kernels }) {
    const share = document.createElement("span");
    [share.className, share.textContent] = ["share", percent(confidence)];
    this.cells.answer.replaceChildren(`${label} `, share);
    this.cells.time.textContent = instructions === null ? `${milliseconds.toFixed(1)} ms` : `${instructions.toLocaleString("en")} instructions`;
    this.detail.textContent = runtime;
    this.detail.title = kernels;
  }
}

class ServerPanel {
  constructor() {
    const body = byId("engines").tBodies[0];
    this.rows = facts.server.engines.map((engine) => new EngineRow(engine, body, () => this.compare()));
    this.shown = null;
  }

  show(shown) {
    clearTimeout(this.timer);
    this.shown = shown.empty ? null : { ...shown, output: shown.output && Array.from(shown.output) };
    this.compare();
    if (shown.empty && !facts.networkBytes) showAnswer({ output: [] }, true);
    if (this.shown) this.timer = setTimeout(() => this.rows.forEach((row) => row.ask(this.shown)), REST_MILLISECONDS);
  }

  // The rows that have answered to what is shown.
  current() {
    return this.rows.filter((row) => this.shown && row.of === this.shown && !row.found.problem);
  }

  // What the others are compared with: what the page itself says, else the generated C, else the served model.
  reference(rows) {
    if (this.shown && this.shown.output) return { output: this.shown.output, index: this.shown.index, words: "here" };
    const row = rows.find((one) => one.engine.name === facts.server.reference) || rows.find((one) => one.engine.exact);
    return row ? { output: row.found.output, index: row.found.index, words: row.engine.title, row } : null;
  }

  compare() {
    const rows = this.current(), reference = this.reference(rows);
    let wrong = 0;
    for (const row of rows) {
      const { text, bytes, other } = reference && row !== reference.row ? compared(row, reference) : { text: "" };
      row.cells.compared.textContent = text;
      row.row.classList.toggle("differs", Boolean(bytes));
      row.row.classList.toggle("disagrees", Boolean(other));
      wrong += Boolean(bytes || other);
    }
    if (reference && reference.row && !facts.networkBytes) showServed(reference.row.found);
    const all = this.rows.filter((row) => !row.engine.missing).length;
    byId("engines-state").textContent = !this.shown ? "Nothing there yet." : rows.length < all
      ? `${rows.length} of ${all} engines have answered.` : `${all} engines have answered, ${wrong ? `${wrong} otherwise` : "none otherwise"}.`;
  }
}

function compared({ engine, found }, reference) {
  const other = found.index !== reference.index;
  const answer = other ? "✗ another class" : "✓ same class";
  if (!engine.exact) return { text: answer, bytes: false, other };
  const bytes = found.output.reduce((count, one, at) => count + (one !== reference.output[at]), 0);
  const same = `✓ same ${found.output.length === 1 ? "byte" : `${found.output.length} bytes`} as ${reference.words}`;
  return { text: bytes ? `${answer}, ✗ ${bytes} of ${found.output.length} bytes differ` : same, bytes: bytes > 0, other };
}

// Where no WebAssembly is in the page, the server's answer is the page's.
function showServed({ label, confidence, probabilities, index, output }) {
  const answer = { label, probability: confidence, probabilities, index, output };
  showAnswer(answer, false);
  showBars(answer);
}

function startGallery(pad) {
  const place = byId("gallery");
  if (!place) return;
  const pictures = picturesIn("gallery-pixels");
  facts.server.gallery.forEach(({ is, said, probability }, at) => {
    const wrong = is !== said, chance = percent(probability);
    const words = wrong ? `is ${facts.labels[is]}, taken for ${facts.labels[said]}` : `is ${facts.labels[is]}, so taken`;
    const figure = document.createElement("figure"), caption = document.createElement("figcaption"), mark = document.createElement("b");
    mark.textContent = wrong ? `✗ ${facts.labels[is]} → ${facts.labels[said]}` : `✓ ${facts.labels[is]}`;
    caption.append(mark, document.createElement("br"), `${facts.labels[is]}: ${chance}`);
    figure.append(pictureButton(pad, pictures[at], `Test image: ${words}; its class has ${chance}`), caption);
    place.append(figure);
  });
}

if (facts.server) {
  const panel = new ServerPanel();
  whenShown.push((shown) => panel.show(shown));
  whenPadStarts.push(startGallery);
}
