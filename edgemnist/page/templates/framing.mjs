"use strict";
// Any picture -> what a network takes: edgemnist's own framing and Pillow's own arithmetic, so that the same picture
// becomes the same pixels here and in `edgemnist predict`.

// A picture: { width, height, channels, pixels }; pixels are bytes, rows from the top, channels last, red first.

const FRACTION = 2 ** 22; // weights have 22 fractional bits
const FRAME_SIDE = 28;
const BRIGHT = 127;
const INK_SHARE = 0.25; // of the brightest ink: what counts as ink when the box is drawn
const NOISE_CEILING = 0.4; // of the ink's contrast: the most that is taken for noise of the background
const BLANK_CONTRAST = 16; // grey levels
const FIT_WORDS = { pad: "scaled", stretch: "stretched", crop: "cropped and scaled", centre: "cut or padded" };

// Rounds halves to even, as Python and numpy do.
function roundEven(value) {
  const below = Math.floor(value), rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// --- scaling ---------------------------------------------------------------------------------------------------------

// Cubic convolution with a = -0.5 (Keys 1981).
function bicubic(value) {
  const x = Math.abs(value);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

const sinc = (x) => (x ? Math.sin(x * Math.PI) / (x * Math.PI) : 1);
const lanczos = (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0);
const BICUBIC = { kernel: bicubic, support: 2 }, LANCZOS = { kernel: lanczos, support: 3 };

// The weights of one output pixel: where they begin, and whole numbers of 1 / FRACTION.
function weightsAt(index, length, target, { kernel, support }) {
  const scale = length / target, stretch = Math.max(scale, 1), centre = (index + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
  const last = Math.min(length, Math.trunc(centre + support * stretch + 0.5));
  const weights = [];
  let total = 0;
  for (let at = first; at < last; ++at) {
    weights.push(kernel((at - centre + 0.5) * (1 / stretch)));
    total += weights[weights.length - 1];
  }
  return { first, weights: weights.map((one) => Math.trunc((one / total) * FRACTION + (one < 0 ? -0.5 : 0.5))) };
}

function scaleWidth({ width, height, channels, pixels }, target, filter) {
  const found = new Uint8Array(target * height * channels);
  for (let column = 0; column < target; ++column) {
    const { first, weights } = weightsAt(column, width, target, filter);
    for (let row = 0; row < height; ++row) {
      for (let channel = 0; channel < channels; ++channel) {
        let sum = FRACTION / 2;
        let at = (row * width + first) * channels + channel;
        for (const weight of weights) {
          sum += weight * pixels[at];
          at += channels;
        }
        found[(row * target + column) * channels + channel] = clamp(Math.floor(sum / FRACTION), 0, 255);
      }
    }
  }
  return { width: target, height, channels, pixels: found };
}

function scaleHeight({ width, height, channels, pixels }, target, filter) {
  const found = new Uint8Array(width * target * channels), row = width * channels;
  const sums = new Float64Array(row);
  for (let index = 0; index < target; ++index) {
    const { first, weights } = weightsAt(index, height, target, filter);
    sums.fill(FRACTION / 2);
    weights.forEach((weight, place) => {
      const start = (first + place) * row;
      for (let at = 0; at < row; ++at) sums[at] += weight * pixels[start + at];
    });
    for (let at = 0; at < row; ++at) found[index * row + at] = clamp(Math.floor(sums[at] / FRACTION), 0, 255);
  }
  return { width, height: target, channels, pixels: found };
}

// Convolution in two passes, each of which rounds to bytes: the height first if it loses more than twice the pixels
// that the width does, as in Pillow 13.
function scaled(picture, width, height, filter) {
  const lostHeight = picture.height - height, lostWidth = picture.width - width;
  const passes = [
    (one) => (one.width === width ? one : scaleWidth(one, width, filter)),
    (one) => (one.height === height ? one : scaleHeight(one, height, filter)),
  ];
  if (lostHeight > Math.max(0, 2 * lostWidth)) passes.reverse();
  return passes.reduce((one, pass) => pass(one), picture);
}

// --- channels, cutting, laying ---------------------------------------------------------------------------------------

// Colour becomes grey by ITU-R BT.601 luma, grey becomes colour by repetition.
function withChannels(picture, channels) {
  if (picture.channels === channels) return picture;
  const { width, height, pixels } = picture, found = new Uint8Array(width * height * channels);
  for (let at = 0; at < width * height; ++at) {
    if (channels === 3) {
      found.fill(pixels[at], 3 * at, 3 * at + 3);
    } else {
      const red = pixels[3 * at], green = pixels[3 * at + 1], blue = pixels[3 * at + 2];
      found[at] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    }
  }
  return { width, height, channels, pixels: found };
}

function part({ width, channels, pixels }, left, top, columns, rows) {
  const found = new Uint8Array(columns * rows * channels), length = columns * channels;
  for (let row = 0; row < rows; ++row) {
    const start = ((top + row) * width + left) * channels;
    found.set(pixels.subarray(start, start + length), row * length);
  }
  return { width: columns, height: rows, channels, pixels: found };
}

function middle(picture, columns, rows) {
  return part(picture, (picture.width - columns) >> 1, (picture.height - rows) >> 1, columns, rows);
}

function laidInto(picture, left, top, width, height, colour) {
  const { channels } = picture, found = new Uint8Array(width * height * channels);
  for (let at = 0; at < found.length; ++at) found[at] = colour[at % channels];
  for (let row = 0; row < picture.height; ++row) {
    const length = picture.width * channels;
    found.set(picture.pixels.subarray(row * length, (row + 1) * length), ((top + row) * width + left) * channels);
  }
  return { width, height, channels, pixels: found };
}

// The values of the outermost pixels in order of size, of one channel or, without a number, of all; corners count twice.
function border({ width, height, channels, pixels }, only = null) {
  const places = [];
  for (let column = 0; column < width; ++column) places.push(column, (height - 1) * width + column);
  for (let row = 0; row < height; ++row) places.push(row * width, row * width + width - 1);
  const wanted = only === null ? [...Array(channels).keys()] : [only];
  return Uint8Array.from(places.flatMap((at) => wanted.map((channel) => pixels[at * channels + channel]))).sort();
}

const median = (sorted) => (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;

// As numpy's percentile does: between the two nearest, reckoned from the nearer one.
function percentile(sorted, share) {
  const place = (sorted.length - 1) * share, low = Math.floor(place), rest = place - low;
  const below = sorted[low], above = sorted[Math.min(low + 1, sorted.length - 1)];
  return rest >= 0.5 ? above - (above - below) * (1 - rest) : below + (above - below) * rest;
}

function borderColour(picture) {
  return [...Array(picture.channels).keys()].map((channel) => Math.trunc(median(border(picture, channel))));
}

const FITTED = {
  stretch: (picture, width, height) => scaled(picture, width, height, LANCZOS),
  pad(picture, width, height) {
    const factor = Math.min(height / picture.height, width / picture.width);
    const columns = Math.max(1, roundEven(picture.width * factor));
    const rows = Math.max(1, roundEven(picture.height * factor));
    const inner = scaled(picture, columns, rows, LANCZOS);
    return laidInto(inner, (width - columns) >> 1, (height - rows) >> 1, width, height, borderColour(picture));
  },
  crop(picture, width, height) {
    const rows = Math.min(picture.height, Math.max(1, roundEven((picture.width * height) / width)));
    const columns = Math.min(picture.width, Math.max(1, roundEven((picture.height * width) / height)));
    return scaled(middle(picture, columns, rows), width, height, LANCZOS);
  },
  centre(picture, width, height) {
    const cut = middle(picture, Math.min(picture.width, width), Math.min(picture.height, height));
    const left = (width - cut.width) >> 1, top = (height - cut.height) >> 1;
    return laidInto(cut, left, top, width, height, borderColour(picture));
  },
};

function fitted(picture, width, height, channels, fit) {
  const right = withChannels(picture, channels);
  return right.width === width && right.height === height ? right : FITTED[fit](right, width, height);
}

// --- as the dataset laid its drawings --------------------------------------------------------------------------------

// What a byte of the picture is as ink, 0..255 above a ground of 0, for each of the 256; null where there is none. The
// ground is the border's median, and what the border's own brightest pixels exceed it by is noise.
function inkOf({ width, height, pixels }) {
  const edge = border({ width, height, channels: 1, pixels }), ground = median(edge);
  let most = 0;
  for (const one of pixels) if (one > most) most = one;
  const contrast = most - ground;
  if (contrast < BLANK_CONTRAST) return null;
  const noise = Math.min(percentile(edge, 0.98) - ground, NOISE_CEILING * contrast);
  const ink = Float64Array.from({ length: 256 }, (_, one) => clamp((one - (ground + noise)) / (contrast - noise), 0, 1) * 255);
  return { ink, most: ink[most] };
}

// Cuts the ink out and scales it, smoothly, so that its longer side has `side` pixels.
function scaledToBox({ width, pixels }, { ink, most }, side) {
  let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
  for (let at = 0; at < pixels.length; ++at) {
    if (ink[pixels[at]] < INK_SHARE * most) continue;
    const column = at % width, row = (at - column) / width;
    if (column < left) left = column;
    if (column > right) right = column;
    if (row < top) top = row;
    bottom = row;
  }
  const columns = right - left + 1, rows = bottom - top + 1, factor = side / Math.max(columns, rows);
  const cut = part({ width, channels: 1, pixels }, left, top, columns, rows), bytes = Uint8Array.from(ink, roundEven);
  for (let at = 0; at < cut.pixels.length; ++at) cut.pixels[at] = bytes[cut.pixels[at]];
  const size = [columns, rows].map((one) => Math.max(1, roundEven(one * factor)));
  return scaled(cut, size[0], size[1], BICUBIC);
}

// Where a scaled drawing begins along an axis; it never leaves the frame.
function startOf({ width, height, pixels }, axis, byMass) {
  const size = axis ? width : height;
  if (!byMass) return (FRAME_SIDE - size) >> 1;
  let mass = 0, moment = 0;
  pixels.forEach((value, at) => {
    mass += value;
    moment += value * (axis ? at % width : Math.floor(at / width));
  });
  return clamp(roundEven(FRAME_SIDE / 2 - (mass ? moment / mass : size / 2)), 0, FRAME_SIDE - size);
}

function laidOut(grey, { box, byMass }) {
  const framing = `${box} x ${box} box, centred by ${byMass ? "mass" : "box"}`, ink = inkOf(grey);
  const empty = { width: FRAME_SIDE, height: FRAME_SIDE, channels: 1, pixels: new Uint8Array(FRAME_SIDE ** 2) };
  if (ink === null) return { picture: empty, framing, note: "there is no ink in it" };
  const drawing = scaledToBox(grey, ink, box);
  const [top, left] = [0, 1].map((axis) => startOf(drawing, axis, byMass));
  return { picture: laidInto(drawing, left, top, FRAME_SIDE, FRAME_SIDE, [0]), framing, note: "" };
}

// Brings a picture of any size to a network's. `taken` is the network's { width, height, channels, fit, brightOnDark,
// style }; `invert` "auto", "yes" or "no". Returns { picture, inverted, framing, note }: what the network is shown and
// how that came about.
export function framed(picture, taken, invert = "auto") {
  const { width, height, channels, fit, brightOnDark, style } = taken;
  const ofDataset = width === FRAME_SIDE && height === FRAME_SIDE && channels === 1;
  if (brightOnDark && !ofDataset) {
    const inside = { ...taken, width: FRAME_SIDE, height: FRAME_SIDE, channels: 1, fit: "pad" };
    const first = framed(picture, inside, invert);
    const framing = `${first.framing}, ${FIT_WORDS[fit]} to ${height} x ${width}`;
    return { ...first, picture: fitted(first.picture, width, height, channels, fit), framing };
  }
  const own = withChannels(picture, channels);
  const inverted = invert === "yes" || (invert === "auto" && brightOnDark && median(border(own)) > BRIGHT);
  const right = inverted ? { ...own, pixels: own.pixels.map((one) => 255 - one) } : own;
  if (right.width === width && right.height === height) {
    return { picture: right, inverted, framing: "as it is", note: "" };
  }
  if (style) return { inverted, ...laidOut(right, style) };
  const framing = `${FIT_WORDS[fit]} to ${height} x ${width}`;
  return { picture: fitted(right, width, height, channels, fit), inverted, framing, note: "" };
}

// An ImageData, or anything else with width, height and data of four bytes a pixel, as a picture. What is transparent
// is laid over white, or over black where the visible part is bright; colours that are all grey become grey.
export function pictureOf({ width, height, data }) {
  let visible = 0, brightness = 0, least = 255, grey = true;
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    visible += 3 * alpha;
    brightness += (data[at] + data[at + 1] + data[at + 2]) * alpha;
    least = Math.min(least, alpha);
  }
  const ground = least < 255 && brightness > 127 * visible ? 0 : 255;
  const pixels = new Uint8Array(3 * width * height);
  for (let at = 0, to = 0; at < data.length; at += 4) {
    const share = data[at + 3] / 255;
    for (let channel = 0; channel < 3; ++channel) {
      pixels[to++] = roundEven(data[at + channel] * share + ground * (1 - share));
    }
    grey = grey && pixels[to - 3] === pixels[to - 2] && pixels[to - 2] === pixels[to - 1];
  }
  const picture = { width, height, channels: 3, pixels };
  return grey ? { width, height, channels: 1, pixels: pixels.filter((_, at) => at % 3 === 0) } : picture;
}
