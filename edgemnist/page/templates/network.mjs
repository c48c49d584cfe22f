"use strict";
// A network of edgemnist's: its generated C, as WebAssembly.

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int32: Int32Array, float32: Float32Array };
const NO_ANSWER = -1;

// Bytes that look random, the same everywhere: a hash of their place.
function noise(at) {
  let value = Math.imul(at + 1, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca77);
  return (value ^ (value >>> 13)) >>> 24;
}

// A module of one function that needs 128-bit SIMD: i32.const 0, i8x16.splat, i8x16.popcnt.
const SIMD_PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const hasSimd = () => WebAssembly.validate(Uint8Array.from(SIMD_PROBE));

const bytesOf = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

// Quantised values as real numbers, in single precision as TensorFlow Lite has them; floats as they are.
function dequantised(values, { scale, zeroPoint }) {
  if (scale === null) return Float64Array.from(values);
  return Float64Array.from(values, (one) => Math.fround(Math.fround(one - zeroPoint) * Math.fround(scale)));
}

export class Network {
  // `source`: the WebAssembly's bytes; `facts`: what edgemnist has written of it.
  static async of(source, facts) {
    const { instance } = await WebAssembly.instantiate(source, {});
    return new Network(instance, facts);
  }

  constructor(instance, facts) {
    this.facts = facts;
    this.exports = instance.exports;
  }

  _view(name, type, elements, offset = 0) {
    return new ARRAYS[type](this.exports.memory.buffer, this.exports[name].value + offset, elements);
  }

  // The input as it lies in the network's memory: what is written here is what the network gets.
  get input() {
    return this._view("input", this.facts.input.type, this.facts.input.elements);
  }

  // Shows the network a picture of its own size: bytes, rows from the top, channels last, red first.
  show(pixels) {
    const { picture } = this.facts;
    if (!picture) throw new TypeError("this network takes no pictures");
    const bytes = picture.width * picture.height * picture.channels;
    if (pixels.length !== bytes) throw new RangeError(`a picture has ${bytes} bytes here, not ${pixels.length}`);
    new Uint8Array(this.exports.memory.buffer, this.exports.picture.value, bytes).set(pixels);
    this.exports.quantise();
  }

  // Runs the network on what its input holds, and returns a copy of its output; with `keep` steps() has them all.
  run(keep = false) {
    this.exports.invoke(keep ? 1 : 0);
    return this._view("output", this.facts.output.type, this.facts.output.elements).slice();
  }

  // What every step wrote when the network was run with `keep`.
  steps() {
    let offset = 0;
    return this.facts.steps.map((step) => {
      const bytes = new Uint8Array(this.exports.memory.buffer, this.exports.trace.value + offset, step.bytes).slice();
      offset += step.bytes;
      return { ...step, values: step.type in ARRAYS ? new ARRAYS[step.type](bytes.buffer) : bytes };
    });
  }

  // What an output says: { output, real, probabilities, index, label, probability }. `probabilities` is null for a
  // network that tells no classes apart; then `index` is -1.
  read(output) {
    const { output: told, labels } = this.facts, real = dequantised(output, told);
    if (told.kind === "values") return { output, real, probabilities: null, index: NO_ANSWER, label: "", probability: NaN };
    const probabilities = probabilitiesOf(real, told.kind);
    const index = told.kind.startsWith("one") ? Number(real[0] > (told.kind === "one probability" ? 0.5 : 0)) : highest(output);
    return { output, real, probabilities, index, label: labels[index], probability: probabilities[index] };
  }

  // Classifies an ImageData of any size. `invert`: "auto", "yes" or "no", whether dark and bright are swapped.
  classify(image, { invert = "auto" } = {}) {
    if (!this.facts.picture) throw new TypeError("this network takes no pictures: use answer()");
    const found = framed(pictureOf(image), this.facts.picture, invert);
    this.show(found.picture.pixels);
    return { ...this.read(this.run()), framing: found.framing, inverted: found.inverted, note: found.note };
  }

  // Answers to an input as the network takes it: int8 where it is quantised, else floats.
  answer(values) {
    const { elements } = this.facts.input;
    if (values.length !== elements) throw new RangeError(`an input has ${elements} values here, not ${values.length}`);
    this.input.set(values);
    return this.read(this.run());
  }

  // Fills the input with the numbered one of the inputs that are always the same.
  fill(number) {
    const { elements, low, step, type } = this.facts.input, { input } = this;
    for (let at = 0; at < elements; ++at) {
      const byte = noise(number * elements + at);
      if (type === "float32") input[at] = Math.fround(Math.fround(byte * step) + low);
      else input[at] = type === "int8" ? byte - 128 : byte;
    }
  }

  // Runs inputs of which the oracle's outputs are known: { inputs, different }.
  selfTest() {
    const expected = bytesOf(this.facts.known.outputs), { inputs } = this.facts.known;
    const size = expected.length / inputs;
    let different = 0;
    for (let number = 0; number < inputs; ++number) {
      this.fill(number);
      const found = new Uint8Array(this.run(number % 2 === 1).buffer);
      if (found.some((one, at) => one !== expected[number * size + at])) ++different;
    }
    return { inputs, different };
  }
}

// Of equals the first.
function highest(values) {
  return values.reduce((best, one, at) => (one > values[best] ? at : best), 0);
}

function probabilitiesOf(real, kind) {
  if (kind === "probabilities") return real;
  if (kind === "one probability") return Float64Array.of(1 - real[0], real[0]);
  if (kind === "one score") {
    const second = 1 / (1 + Math.exp(-clamp(real[0], -500, 500)));
    return Float64Array.of(1 - second, second);
  }
  const most = real[highest(real)], powers = real.map((one) => Math.exp(one - most));
  const sum = powers.reduce((total, one) => total + one, 0);
  return powers.map((one) => one / sum);
}
