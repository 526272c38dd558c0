/* A patch, and the same in grey under the colours of its evidence: as report/overlay.py draws them. */

/* Purple for benign, white, orange for malignant: matplotlib's PuOr_r, which lies straight between these. */
export const COLOURS = [
  [45, 0, 75],
  [84, 39, 136],
  [128, 115, 172],
  [178, 171, 210],
  [216, 218, 235],
  [247, 247, 247],
  [254, 224, 182],
  [253, 184, 99],
  [224, 130, 20],
  [179, 88, 6],
  [127, 59, 8],
];
const DARKEST = 0.4; // of a black pixel under the colours
const DOTS = 9; // px between dots of the line around what speaks for benign
const LEAST_SPAN = 1; // log odds; a flat map is not blown up to look like one that is not
const QUANTILE = 0.95; // of the cells lie within the colours
const SIDE = 300; // px of a drawing; CSS enlarges it

/* The pixels of an image file as { width, height, data }; null where the browser cannot read its format. */
export async function pixelsOf(blob) {
  try {
    const image = await createImageBitmap(blob, { colorSpaceConversion: "none" });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(image, 0, 0);
    image.close();
    return pen.getImageData(0, 0, canvas.width, canvas.height);
  } catch {
    return null;
  }
}

/* Log odds from the threshold to full colour. */
export function spanOf(evidence, neutral) {
  const found = evidence
    .flat()
    .map((each) => Math.abs(each - neutral))
    .sort((a, b) => a - b);
  const place = QUANTILE * (found.length - 1);
  const low = found[Math.floor(place)];
  return Math.max(LEAST_SPAN, low + (found[Math.ceil(place)] - low) * (place % 1));
}

export function colour(share) {
  const place = Math.min(1, Math.max(0, share)) * (COLOURS.length - 1);
  const i = Math.min(COLOURS.length - 2, Math.floor(place));
  return COLOURS[i].map((low, k) => low + (COLOURS[i + 1][k] - low) * (place - i));
}

/* Draw a patch enlarged, its pixels as squares. */
export function drawPatch(canvas, pixels) {
  paint(canvas, (x, y) => at(pixels, x, y));
}

/* Draw evidence (rows of cells, log odds) over a patch, or over plain grey where its pixels are not at hand. */
export function drawEvidence(canvas, pixels, evidence, neutral, span) {
  const field = enlarged(evidence);
  paint(canvas, (x, y) => {
    const [r, g, b] = pixels ? at(pixels, x, y) : [255, 255, 255];
    const light = DARKEST + (1 - DARKEST) * ((0.299 * r + 0.587 * g + 0.114 * b) / 255);
    return colour((field[y * SIDE + x] - neutral + span) / (2 * span)).map((each) => each * light);
  });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#000";
  const strong = (sign) => (i) => sign * (field[i] - neutral) >= span / 2;
  for (const [x, y] of edges(strong(1))) pen.fillRect(x, y, 1.5, 1.5);
  for (const [x, y] of thinned(edges(strong(-1)))) {
    pen.beginPath();
    pen.arc(x, y, 1.5, 0, 2 * Math.PI);
    pen.fill();
  }
}

/* A strip of the colours, from benign to malignant. */
export function drawColours(canvas) {
  [canvas.width, canvas.height] = [SIDE, 1];
  const pen = canvas.getContext("2d");
  for (let x = 0; x < SIDE; x++) {
    pen.fillStyle = `rgb(${colour(x / (SIDE - 1))
      .map(Math.round)
      .join(" ")})`;
    pen.fillRect(x, 0, 1, 1);
  }
}

function paint(canvas, rgb) {
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(SIDE, SIDE);
  for (let y = 0, i = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, i += 4) {
      const found = rgb(x, y);
      for (let k = 0; k < 3; k++) image.data[i + k] = found[k];
      image.data[i + 3] = 255;
    }
  }
  pen.putImageData(image, 0, 0);
}

function at({ width, height, data }, x, y) {
  const i = 4 * (Math.floor((y * height) / SIDE) * width + Math.floor((x * width) / SIDE));
  return [data[i], data[i + 1], data[i + 2]];
}

/* Cells to px, straight between their middles. */
function enlarged(evidence) {
  const [rows, columns] = [evidence.length, evidence[0].length];
  const places = (cells) =>
    Array.from({ length: SIDE }, (_, i) => {
      const place = Math.min(cells - 1, Math.max(0, ((i + 0.5) * cells) / SIDE - 0.5));
      return [Math.floor(place), Math.min(cells - 1, Math.floor(place) + 1), place % 1];
    });
  const [down, across] = [places(rows), places(columns)];
  const found = new Float32Array(SIDE * SIDE);
  for (let y = 0, i = 0; y < SIDE; y++) {
    const [top, bottom, v] = down[y];
    for (let x = 0; x < SIDE; x++, i++) {
      const [left, right, u] = across[x];
      const upper = evidence[top][left] * (1 - u) + evidence[top][right] * u;
      const lower = evidence[bottom][left] * (1 - u) + evidence[bottom][right] * u;
      found[i] = upper * (1 - v) + lower * v;
    }
  }
  return found;
}

function edges(within) {
  const found = [];
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const i = y * SIDE + x;
      if (!within(i)) continue;
      const inner = x > 0 && x < SIDE - 1 && y > 0 && y < SIDE - 1;
      if (!inner || !within(i - 1) || !within(i + 1) || !within(i - SIDE) || !within(i + SIDE)) found.push([x, y]);
    }
  }
  return found;
}

function thinned(points) {
  const kept = [];
  for (const [x, y] of points) if (kept.every(([a, b]) => Math.hypot(a - x, b - y) >= DOTS)) kept.push([x, y]);
  return kept;
}
