"use strict";
// Files: pictures, and inputs as numbers.

const NPY_TYPES = { int8: "|i1", uint8: "|u1", int32: "<i4", float32: "<f4" };

function npyOf(values, { type, shape }) {
  const sizes = [1, ...shape].join(", ");
  let header = `{'descr': '${NPY_TYPES[type]}', 'fortran_order': False, 'shape': (${sizes},), }`;
  header = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
  return new Blob([Uint8Array.from(start), header, values.slice()], { type: "application/octet-stream" });
}

function valuesOf(name, content) {
  const { type, elements } = facts.input, bytes = new Uint8Array(content);
  const counted = (values) => {
    if (values.length === elements) return values;
    throw new Error(`${name} has ${values.length} values, the network takes ${elements}`);
  };
  if (/\.(csv|txt)$/i.test(name)) return counted(numbersOf(name, new TextDecoder().decode(bytes)));
  let start = 0;
  if (bytes[0] === 0x93) {
    const view = new DataView(content), wide = bytes[6] > 1;
    const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
    start = (wide ? 12 : 10) + length;
    const header = new TextDecoder().decode(bytes.subarray(0, start));
    if (!header.includes(`'${NPY_TYPES[type]}'`) || header.includes("'fortran_order': True")) {
      throw new Error(`${name} is no array of ${type} in the order of C`);
    }
  }
  const values = content.slice(start);
  if (values.byteLength % ARRAYS[type].BYTES_PER_ELEMENT) throw new Error(`${name} holds no whole number of ${type} values`);
  return counted(new ARRAYS[type](values));
}

function numbersOf(name, text) {
  const values = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  const { type } = facts.input;
  const fits = (one) => (type === "float32" ? Number.isFinite(one) : ARRAYS[type].of(one)[0] === one);
  const wrong = values.findIndex((one) => !fits(one));
  if (wrong >= 0) throw new Error(`value ${wrong + 1} of ${name} is none that ${facts.input.type} has`);
  return values;
}

async function pictureFrom(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw new Error(`${file.name || "that"} is no picture that this browser reads`);
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return pictureOf(context.getImageData(0, 0, canvas.width, canvas.height));
}
