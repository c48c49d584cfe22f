"use strict";
// The pad that is drawn on.

const PAD_SIDE = 280;
const MOST_UNDONE = 20;

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
    if (this.picture) this.drawPicture(this.picture);
    else paint(this.canvas, this.width, this.height, (x, y) => GREYS[this.ink[y * this.width + x]]);
    if (this.pen.shown) this.drawPen();
  }

  // Shows a picture whole, its sides kept in proportion.
  drawPicture({ width, height, pixels, channels }) {
    const factor = Math.max(width / this.width, height / this.height);
    paint(this.canvas, this.width, this.height, (x, y) => {
      const column = Math.floor((x + 0.5 - this.width / 2) * factor + width / 2);
      const row = Math.floor((y + 0.5 - this.height / 2) * factor + height / 2);
      if (column < 0 || row < 0 || column >= width || row >= height) return null;
      const at = (row * width + column) * channels;
      return channels === 1 ? GREYS[pixels[at]] : [pixels[at], pixels[at + 1], pixels[at + 2]];
    });
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
