"use strict";
// The answer, its bars, the layers; what is read out.

const MOST_BARS = 12;
const QUIET_MILLISECONDS = 600; // after which the answer is read out

let quiet;
const whenShown = []; // called with what is shown: { picture, empty, input, output, index }
const whenPadStarts = []; // called with the pad

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
    [row.cells[0].textContent, row.cells[0].title] = [name, name];
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
  byId("bars").style.visibility = empty ? "hidden" : ""; // they keep their place
  const [label, share] = [document.createElement("span"), document.createElement("span")];
  share.className = "share";
  [label.textContent, share.textContent] = empty ? ["–", "nothing there yet"] : headlineOf(answer);
  label.className = label.textContent.length > 12 ? "label long" : "label";
  byId("answer").replaceChildren(label, share);
  byId("glance").textContent = empty ? "" : `${label.textContent} ${share.textContent}`;
  byId("raw").textContent = Array.from(answer.output, exactly).join(" ");
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

// Shows what a network answers to what its input holds; `picture` is what that was made of, null where it was none. Without
// a network, which is so only where a server answers, all there is to show is the picture.
function showAll(network, words, picture = null, empty = false) {
  const seen = byId("seen");
  if (network) paintInput(seen, network.input);
  else paintPicture(seen, picture);
  // A high one is made narrow, so that it stays on the screen.
  seen.style.width = `${13 * Math.min(1, (1.5 * seen.width) / seen.height)}rem`;
  byId("framing").textContent = words;
  const shown = { picture, empty, input: null, output: null, index: NO_ANSWER };
  if (network) {
    const answer = network.read(network.run(true));
    Object.assign(shown, { input: network.input, output: answer.output, index: answer.index });
    showAnswer(answer, empty);
    showBars(answer);
    showLayers(network.steps());
  }
  whenShown.forEach((one) => one(shown));
}
