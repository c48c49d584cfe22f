"use strict";
// Values as pictures: maps of channels, strips, the input as the network gets it.

const MOST_TILES = 64;
const RAMP = [[13, 13, 41], [52, 46, 125], [31, 120, 160], [74, 188, 138], [253, 231, 76]];

// The colours of 256 shares from 0 to 1.
const COLOURS = Array.from({ length: 256 }, (_, step) => {
  const place = (step / 255) * (RAMP.length - 1), low = Math.min(Math.floor(place), RAMP.length - 2);
  return RAMP[low].map((one, channel) => one + (RAMP[low + 1][channel] - one) * (place - low));
});
const GREYS = Array.from({ length: 256 }, (_, one) => [one, one, one]);
const colourOf = (share) => COLOURS[Math.round(clamp(share, 0, 1) * 255)];

// Paints a canvas pixel by pixel: `colour` returns red, green and blue of a column and a row, or null for none.
function paint(canvas, width, height, colour) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = new ImageData(width, height), { data } = image;
  for (let row = 0, at = 0; row < height; ++row) {
    for (let column = 0; column < width; ++column, at += 4) {
      const found = colour(column, row);
      if (!found) continue;
      [data[at], data[at + 1], data[at + 2], data[at + 3]] = [found[0], found[1], found[2], 255];
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

const exactly = (value) => String(value).replace("-", "−");
const shown = (value) => (Number.isInteger(value) ? exactly(value) : value.toPrecision(4).replace("-", "−"));

const paintPicture = (canvas, { width, height, channels, pixels }) =>
  paint(canvas, width, height, (x, y) => [0, 1, 2].map((one) => pixels[(y * width + x) * channels + Math.min(one, channels - 1)]));

function paintInput(canvas, input) {
  const { picture } = facts, { low, step, type } = facts.input;
  if (!picture) return paintValues(canvas, input, facts.input.shape, rangeOf(input));
  const { inputWidth: width, inputHeight: height, channels } = picture;
  const byte = (value) => (type === "int8" ? value + 128 : type === "uint8" ? value : (value - low) / step);
  return paint(canvas, width, height, (column, row) =>
    [0, 1, 2].map((colour) => {
      const channel = channels === 1 ? 0 : picture.bgr ? 2 - colour : colour;
      const at = picture.layout === "nchw" ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
      return byte(input[at]);
    }),
  );
}
