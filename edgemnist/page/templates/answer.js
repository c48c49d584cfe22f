"use strict";
// Runs a network over many inputs, as the page and the module do, for the check beside the oracle.

class Answering {
  constructor(instance, inputBytes, outputBytes, fed) {
    this.exports = instance.exports;
    this.inputBytes = inputBytes;
    this.outputBytes = outputBytes;
    this.fed = fed; // "picture" or "input": what the rows are
  }

  static async of(wasm, inputBytes, outputBytes, fed) {
    const { instance } = await WebAssembly.instantiate(wasm, {});
    return new Answering(instance, inputBytes, outputBytes, fed);
  }

  // Of each row of bytes the input that the network got, then its output. Every other time the steps are kept, too.
  answer(rows, count) {
    const { memory, invoke, quantise } = this.exports;
    const at = (name) => this.exports[name].value;
    const size = rows.length / count, both = this.inputBytes + this.outputBytes;
    const memoryBytes = new Uint8Array(memory.buffer), found = new Uint8Array(count * both);
    for (let row = 0; row < count; ++row) {
      memoryBytes.set(rows.subarray(row * size, (row + 1) * size), at(this.fed));
      if (this.fed === "picture") quantise();
      found.set(memoryBytes.subarray(at("input"), at("input") + this.inputBytes), row * both);
      invoke(row % 2);
      found.set(memoryBytes.subarray(at("output"), at("output") + this.outputBytes), row * both + this.inputBytes);
    }
    return found;
  }
}
