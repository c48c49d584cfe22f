"use strict";
// The same on a board: every input that the page shows, and the outputs compared.

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
    const array = ARRAYS[facts.output.type], texts = (bytes) => Array.from(new array(bytes.slice().buffer), exactly).join(" ");
    byId("here-output").textContent = texts(output);
    byId("there-output").textContent = texts(found.output);
    const time = Number.isNaN(found.seconds) ? "" : `, ${(1000 * found.seconds).toFixed(2)} ms there`;
    const bytes = wrong ? `✗ ${wrong} of ${output.length} bytes differ` : `✓ all ${output.length} bytes are equal`;
    byId("compared").textContent = `${bytes}${time}. So far ${this.inputs} inputs, ${this.different} different.`;
  }
}

const bytesIn = (values) => new Uint8Array(values.slice().buffer);
