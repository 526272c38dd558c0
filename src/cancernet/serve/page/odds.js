/* Where a probability stands: the threshold, the band that is left unsure, and a bar of it. */

import { make, probability as told } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const EPSILON = 1e-7; // keeps log odds finite, as the model's own are
const [WIDE, HIGH] = [200, 20]; // of the bar's drawing, in its own units

export function logit(value) {
  const kept = Math.min(1 - EPSILON, Math.max(EPSILON, value));
  return Math.log(kept) - Math.log1p(-kept);
}

export const sigmoid = (odds) => 0.5 * (1 + Math.tanh(odds / 2));

/* How sure a call is: log odds between its probability and the threshold. */
export const distance = (value, threshold) => Math.abs(logit(value) - logit(threshold));

/* The probabilities between which a band lies; null where none was asked for. */
export function bandOf(threshold, bands, abstain) {
  const band = bands.find(({ target }) => target === abstain);
  if (!band) return null;
  return [sigmoid(logit(threshold) - band.width), sigmoid(logit(threshold) + band.width)];
}

function shape(name, said) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(said)) made.setAttribute(key, value);
  return made;
}

/* A bar from 0 to 1: the band grey, the threshold a line across, the answer a mark as its decision is drawn. */
export function bar(value, threshold, band, decision) {
  const says = `probability ${told(value)}, threshold ${told(threshold)}${band ? `, unsure from ${told(band[0])} to ${told(band[1])}` : ""}`;
  const made = shape("svg", {
    class: "odds",
    viewBox: `0 0 ${WIDE} ${HIGH}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": says,
  });
  made.append(shape("rect", { class: "track", x: 0, y: 7, width: WIDE, height: 6 }));
  if (band)
    made.append(
      shape("rect", { class: "band", x: WIDE * band[0], y: 4, width: WIDE * (band[1] - band[0]), height: 12 }),
    );
  made.append(shape("rect", { class: `reach ${decision}`, x: 0, y: 7, width: WIDE * value, height: 6 }));
  made.append(shape("rect", { class: "limit", x: WIDE * threshold - 1, y: 1, width: 2, height: 18 }));
  made.append(
    shape("rect", {
      class: `mark ${decision}`,
      x: Math.min(WIDE - 5, Math.max(0, WIDE * value - 2.5)),
      y: 3,
      width: 5,
      height: 14,
    }),
  );
  return made;
}

/* The same with what its parts are. */
export function scale(value, threshold, band, decision) {
  const ends = make(
    "div",
    { class: "ends", "aria-hidden": "true" },
    make("span", {}, "0 benign"),
    make("span", {}, "malignant 1"),
  );
  const limit = make("span", {}, make("i", { class: "key limit" }), `threshold ${told(threshold)}`);
  const left =
    band && make("span", {}, make("i", { class: "key band" }), `left unsure ${told(band[0])} to ${told(band[1])}`);
  return make(
    "div",
    { class: "scale" },
    bar(value, threshold, band, decision),
    ends,
    make("p", { class: "legend", "aria-hidden": "true" }, limit, left),
  );
}
