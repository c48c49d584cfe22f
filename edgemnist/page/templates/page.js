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

async function start() {
  const network = await Network.of(bytesOf(byId("network").textContent), facts);
  testAgain(network);
  const panel = new BoardPanel();
  whenShown = (input, output) => panel.show(input, output);
  listenForFiles(facts.picture ? startPad(network) : startValues(network));
  listenForSaving(network);
  globalThis.edgemnist = { network, framed, facts };
  document.documentElement.dataset.ready = "";
}

start().catch(fail);
