"use strict";
// A board with edgemnist's firmware at a serial port: the link protocol, version 1, host's side (firmware/app/link.h).
// A frame lies between two END bytes and is escaped as in RFC 1055, so that the next one is found whatever went before.

const LINK_VERSION = 1, LINK_HEADER = 8, LINK_CRC = 4, LINK_LARGEST = 1 << 24;
const END = 0xc0, ESC = 0xdb, ESC_END = 0xdc, ESC_ESC = 0xdd;
const FRAME = { hello: 0x01, run: 0x02, info: 0x81, result: 0x82, error: 0xfe, fault: 0xff };
const REFUSED = { crc: 1, length: 2, type: 3, version: 4 };
const PATIENCE = { hello: 1000, helloAttempts: 10, answer: 10000, attempts: 5 };

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; ++bit) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// CRC-32 of IEEE 802.3.
function crc32(bytes) {
  let value = 0xffffffff;
  for (const one of bytes) value = CRC_TABLE[(value ^ one) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function frameOf(type, sequence, payload = new Uint8Array(0)) {
  const content = new Uint8Array(LINK_HEADER + payload.length + LINK_CRC), view = new DataView(content.buffer);
  content.set([LINK_VERSION, type]);
  view.setUint16(2, sequence, true);
  view.setUint32(4, payload.length, true);
  content.set(payload, LINK_HEADER);
  view.setUint32(LINK_HEADER + payload.length, crc32(content.subarray(0, -LINK_CRC)), true);
  const escaped = Array.from(content, (one) => (one === END ? [ESC, ESC_END] : one === ESC ? [ESC, ESC_ESC] : [one]));
  return Uint8Array.from([END, ...escaped.flat(), END]);
}

// Takes bytes as they come in and returns the frames that are whole; drops, and counts, what is damaged.
class FrameDecoder {
  constructor() {
    this.pending = [];
    this.damaged = 0;
  }

  feed(bytes) {
    const found = [];
    for (const one of bytes) {
      if (one !== END) {
        if (this.pending.length <= 2 * LINK_LARGEST) this.pending.push(one);
        continue;
      }
      const frame = this.pending.length ? this.frame() : null;
      if (frame) found.push(frame);
      else if (this.pending.length) ++this.damaged;
      this.pending = [];
    }
    return found;
  }

  frame() {
    const content = [];
    for (let at = 0; at < this.pending.length; ++at) {
      const one = this.pending[at];
      if (one !== ESC) {
        content.push(one);
        continue;
      }
      const escaped = { [ESC_END]: END, [ESC_ESC]: ESC }[this.pending[++at]];
      if (escaped === undefined) return null;
      content.push(escaped);
    }
    if (content.length < LINK_HEADER + LINK_CRC) return null;
    const bytes = Uint8Array.from(content), view = new DataView(bytes.buffer), body = bytes.length - LINK_CRC;
    const payload = bytes.slice(LINK_HEADER, body);
    if (view.getUint32(body, true) !== crc32(bytes.subarray(0, body)) || view.getUint32(4, true) !== payload.length) return null;
    return { version: bytes[0], type: bytes[1], sequence: view.getUint16(2, true), payload };
  }
}

// The client of one board. Requests may come twice, so what gets no answer is sent again; an answer counts only with its
// request's sequence. `port` has `readable` and `writable`, as a SerialPort that is open.
class Board {
  constructor(port, patience = PATIENCE) {
    this.reader = port.readable.getReader();
    this.writer = port.writable.getWriter();
    this.patience = patience;
    this.decoder = new FrameDecoder();
    this.frames = [];
    this.sequence = 0;
    this.repeats = 0;
    this.info = null;
    this.gone = null;
    this.wake = () => {};
    this.listen();
  }

  async listen() {
    try {
      for (;;) {
        const { value, done } = await this.reader.read();
        if (done) break;
        this.frames.push(...this.decoder.feed(value));
        this.wake();
      }
      this.gone = new Error("the port was closed");
    } catch (error) {
      this.gone = new Error(`the board is gone: ${error.message}`);
    }
    this.wake();
  }

  // The next frame, or null when nothing came until `deadline`.
  async next(deadline) {
    while (!this.frames.length) {
      if (this.gone) throw this.gone;
      const left = deadline - performance.now();
      if (left <= 0) return null;
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => { clearTimeout(timer); resolve(); };
      });
    }
    return this.frames.shift();
  }

  // Sends a request until it is answered, and returns the answer; null if it never is.
  async ask(type, payload, patience, attempts) {
    this.sequence = (this.sequence % 0xffff) + 1;
    const message = frameOf(type, this.sequence, payload);
    for (let attempt = 0; attempt < attempts; ++attempt) {
      this.repeats += attempt > 0;
      await this.writer.write(message);
      const deadline = performance.now() + patience;
      for (let frame = await this.next(deadline); frame; frame = await this.next(deadline)) {
        this.check(frame);
        if (frame.type === (type | 0x80) && frame.sequence === this.sequence) return frame;
        if (frame.type === FRAME.error) break; // it arrived damaged: once more
      }
    }
    return null;
  }

  // Throws what a frame tells of the board, whether it was asked or not.
  check({ version, type, sequence, payload }) {
    const anew = "build the firmware with this edgemnist and flash it";
    if (version !== LINK_VERSION) throw new Error(`the board speaks version ${version} of the link protocol; ${anew}`);
    if (type === FRAME.fault) throw new Error("the firmware crashed; edgemnist firmware run --port says where");
    if (type === FRAME.info && sequence === 0 && this.info) throw new Error("the board restarted: watchdog, supply or reset?");
    if (type === FRAME.error && [REFUSED.type, REFUSED.version].includes(payload[0])) {
      throw new Error(`the board does not know what it was asked; ${anew}`);
    }
  }

  // Finds out what runs on the board.
  async hello() {
    const frame = await this.ask(FRAME.hello, new Uint8Array(0), this.patience.hello, this.patience.helloAttempts);
    if (!frame) throw new Error("no answer: is the board powered, flashed with edgemnist's firmware, at this port and speed?");
    const view = new DataView(frame.payload.buffer), sizes = [0, 4, 8, 12, 16].map((at) => view.getUint32(at, true));
    const [inputBytes, outputBytes, arenaBytes, steps, ticksPerSecond] = sizes;
    const model = Array.from(frame.payload.subarray(24, 32), (one) => one.toString(16).padStart(2, "0")).join("");
    const name = new TextDecoder().decode(frame.payload.subarray(32));
    this.info = { inputBytes, outputBytes, arenaBytes, steps, ticksPerSecond, model, name };
    return this.info;
  }

  // Runs an input, bytes as they lie in memory: { output, seconds }; seconds are NaN where the board has no clock.
  async run(input) {
    const { answer, attempts } = this.patience, { outputBytes, ticksPerSecond } = this.info;
    const frame = await this.ask(FRAME.run, input, answer, attempts);
    if (!frame) throw new Error("no result, although it was asked again and again: it hangs, or bytes are lost on the way");
    if (frame.payload.length < 4 + outputBytes) throw new Error("the board's result makes no sense; build its firmware anew");
    const ticks = new DataView(frame.payload.buffer).getUint32(0, true);
    return { output: frame.payload.slice(4, 4 + outputBytes), seconds: ticksPerSecond ? ticks / ticksPerSecond : NaN };
  }

  // Lets go of the port, which closes only when nobody holds its streams.
  async close() {
    await this.reader.cancel().catch(() => {});
    this.reader.releaseLock();
    await this.writer.close().catch(() => {});
    this.writer.releaseLock();
  }
}
