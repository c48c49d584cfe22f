"use strict";
// The page: what is drawn, chosen or drawn at random goes into the network, and what comes out is shown.

function wordsOf({ framing, inverted, note }) {
  return `${framing}${inverted ? ", dark and bright swapped" : ""}${note ? `: ${note}` : ""}.`.replace(/^./, (one) => one.toUpperCase());
}

function startPad(network) {
  const { picture } = facts, square = picture.brightOnDark ? { width: 1, height: 1 } : picture;
  let waiting = false;
  const show = () => {
    waiting = false;
    const found = framed(pad.source, picture, byId("invert").value);
    if (network) network.show(found.picture.pixels);
    const empty = !pad.picture && !pad.ink.some(Boolean);
    showAll(network, wordsOf(found), found.picture, empty);
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
  const examples = byId("examples");
  if (examples) startExamples(pad, examples);
  whenPadStarts.forEach((one) => one(pad));
  if (!pad.picture) show();
  return async (file) => pad.choose(await pictureFrom(file));
}

// Pictures of the network's size, one after the other in the text of an element.
function picturesIn(id) {
  const { width, height, channels } = facts.picture, size = width * height * channels, pixels = bytesOf(byId(id).textContent);
  return Array.from({ length: pixels.length / size }, (_, at) => {
    return { width, height, channels, pixels: pixels.slice(at * size, (at + 1) * size) };
  });
}

// A button that puts a picture on the pad.
function pictureButton(pad, picture, label) {
  const button = document.createElement("button"), canvas = document.createElement("canvas");
  button.type = "button";
  button.setAttribute("aria-label", label);
  canvas.className = "pixels";
  paintPicture(canvas, picture);
  button.append(canvas);
  button.addEventListener("click", () => pad.choose(picture));
  return button;
}

function startExamples(pad, place) {
  const pictures = picturesIn("example-pixels");
  place.append(...facts.examples.map((label, at) => pictureButton(pad, pictures[at], `Test image: ${facts.labels[label]}`)));
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
  const how = facts.simd ? (hasSimd() ? ", with SIMD" : ", without SIMD") : "";
  byId("again").textContent = `In your browser just now${how}: ${inputs} more inputs, ${different} different.`;
  if (different) {
    byId("badge").className = "badge is-failed";
    byId("badge").querySelector("strong").textContent = "✗ Not the same in this browser:";
  }
}

function startNetwork(network) {
  testAgain(network);
  const panel = new BoardPanel();
  whenShown.push(({ input, output }) => panel.show(input, output));
  listenForSaving(network);
}

async function start() {
  const program = (hasSimd() && byId("network-simd")) || byId("network");
  const network = facts.networkBytes ? await Network.of(bytesOf(program.textContent), facts) : null;
  if (network) startNetwork(network);
  listenForFiles(facts.picture ? startPad(network) : startValues(network));
  globalThis.edgemnist = { network, framed, facts };
  document.documentElement.dataset.ready = "";
}

start().catch(fail);
