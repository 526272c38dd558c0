/* One patch: the answer, where it stands, the evidence, the training patches most like it, the stain. */

import { stainOf, state } from "./answers.js";
import { askJson } from "./api.js";
import { byId, chip, fill, make, note, probability, say, show } from "./dom.js";
import { drawColours, drawEvidence, drawPatch, pixelsOf, spanOf } from "./evidence.js";
import { bandOf, logit, scale } from "./odds.js";

const KNOWN = { train: "its patient taught this model", val: "its patient chose the threshold" };
const NARROW = "(max-width: 64rem)"; // where the panel stands above the table, as parts.css has it
const known = new Map(); // explanations by item
let latest = null; // request

/* What /v1/explain says of a row, asked for once. */
export function explained(row, signal) {
  if (!known.has(row.item)) {
    const asking = (async () => {
      const form = new FormData();
      form.append("files", await row.item.open(), row.path);
      const found = await askJson("/v1/explain", { method: "POST", form, signal });
      if (!found.patches.length) throw new Error(found.errors[0]?.reason ?? "the server gave no answer on it");
      return found.patches[0];
    })();
    known.set(row.item, asking);
    asking.catch(() => known.delete(row.item));
  }
  return known.get(row.item);
}

/* Draw a patch and its evidence into two canvases; returns the log odds of full colour, null without evidence. */
export async function draw(row, told, plain, over, threshold) {
  const pixels = await pixelsOf(await row.item.open());
  if (pixels) drawPatch(plain, pixels);
  show(plain.closest("figure"), pixels);
  if (!told) return null;
  const span = spanOf(told.evidence, logit(threshold));
  drawEvidence(over, pixels, told.evidence, logit(threshold), span);
  return span;
}

/* Show a row in the panel. */
export async function open(row, about) {
  const panel = byId("detail");
  show(panel, true);
  byId("patch-name").textContent = row.path;
  fill(byId("patch-answer"), ...answer(row, about));
  const body = byId("patch-why");
  if (matchMedia(NARROW).matches) panel.scrollIntoView({ block: "start" });
  latest?.abort();
  latest = new AbortController();
  const { signal } = latest;
  say(`${row.path}: ${row.decision}, ${probability(row.probability)}`);
  if (!row.item || row.item.packed) {
    fill(
      body,
      note(
        "Its picture is not at hand: the zip was read by the server. Unpack it and choose the folder to see the evidence.",
      ),
    );
    return;
  }
  fill(body, make("p", { class: "muted" }, "Asking for the evidence\u2026"));
  try {
    const told = await explained(row);
    if (!signal.aborted) await why(body, row, told, about, signal);
  } catch (error) {
    if (!signal.aborted) fill(body, make("p", { class: "note" }, `No evidence: ${error.message}`));
  }
}

function answer(row, about) {
  const { threshold } = about.model;
  const band = bandOf(threshold, about.bands, state.abstain);
  const stain = stainOf(row);
  const taken = row.alone !== row.probability;
  const facts = [
    ["Patient", row.patient],
    ["Place", row.x !== null && `x ${row.x}, y ${row.y} px`],
    ["By itself", taken && `${probability(row.alone)}; its surroundings were taken in`],
    ["Its name states", row.stated],
    [
      "Stain",
      stain &&
        `distance ${stain.distance.toFixed(2)} of ${stain.limit.toFixed(2)} allowed, from ${stain.patches} with tissue${stain.alarm ? "" : ": as in training"}`,
    ],
  ].filter(([, value]) => value);
  return [
    make(
      "p",
      { class: "verdict" },
      chip(row.decision),
      make("b", {}, probability(row.probability)),
      make("span", { class: "muted" }, "probability of malignant"),
    ),
    row.reason && make("p", { class: "note" }, `Not judged: ${row.reason}`),
    !row.reason &&
      row.decision === "unsure" &&
      make("p", { class: "note" }, "Too near the threshold: within the band that is left unsure."),
    stain?.alarm && make("p", { class: "banner" }, stain.alarm),
    scale(row.probability, threshold, band, row.decision),
    make(
      "table",
      { class: "facts" },
      make("caption", { class: "unseen" }, "About this patch"),
      make(
        "tbody",
        {},
        facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))),
      ),
    ),
  ];
}

async function why(body, row, told, about, signal) {
  const { threshold } = about.model;
  const [plain, over] = [
    make("canvas", { class: "patch", role: "img", "aria-label": "The patch, enlarged" }),
    make("canvas", { class: "patch", role: "img" }),
  ];
  const um = Math.round(about.size_px * about.mpp);
  const figures = make(
    "div",
    { class: "pictures" },
    make("figure", {}, plain, make("figcaption", {}, `the patch, ${um} \u00b5m wide`)),
    make("figure", {}, over, make("figcaption", {}, "where the evidence lies")),
  );
  const span = await draw(row, told, plain, over, threshold);
  if (signal.aborted) return;
  const [rows, columns] = [told.evidence.length, told.evidence[0].length];
  const mean = told.evidence.flat().reduce((sum, each) => sum + each, 0) / (rows * columns);
  over.setAttribute(
    "aria-label",
    `Evidence in ${columns} by ${rows} cells, mean ${mean.toFixed(2)} log odds; the threshold is at ${logit(threshold).toFixed(2)}`,
  );
  const colours = make("canvas", { class: "colours", "aria-hidden": "true" });
  drawColours(colours);
  const end = (sign) => (logit(threshold) + sign * span).toFixed(1);
  const other = told.decision !== row.decision && make("p", {}, `By itself it would be called ${told.decision}.`);
  fill(
    body,
    figures,
    make(
      "div",
      { class: "span" },
      colours,
      make(
        "div",
        { class: "ends" },
        make("span", {}, `${end(-1)} benign`),
        make("span", {}, `${logit(threshold).toFixed(1)}`),
        make("span", {}, `malignant ${end(1)}`),
      ),
    ),
    make(
      "p",
      { class: "small" },
      `Log odds by cell (${columns} by ${rows}); white is the threshold. A line surrounds what speaks most for malignant, dots what speaks most for benign. It shows what the model went by, right or wrong.`,
    ),
    other,
    told.known && make("p", { class: "note" }, `No test of the model: ${KNOWN[told.known] ?? told.known}.`),
    near(told.nearest),
  );
}

function near(nearest) {
  if (!nearest.length) return make("p", { class: "small" }, "This model remembers no training patches.");
  const cells = ({ path, patient, label, similarity }) => [
    make("th", { scope: "row", title: path }, path.slice(path.lastIndexOf("/") + 1)),
    make("td", {}, patient),
    make("td", {}, label),
    make("td", { class: "number" }, similarity.toFixed(3)),
  ];
  return make(
    "div",
    {},
    make("h4", {}, "Training patches most like it"),
    make(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Training patches most like it" },
      make(
        "table",
        { class: "near left" },
        make(
          "thead",
          {},
          make(
            "tr",
            {},
            ["Patch", "Patient", "Class", "Similarity"].map((each) => make("th", { scope: "col" }, each)),
          ),
        ),
        make(
          "tbody",
          {},
          nearest.map((each) => make("tr", {}, cells(each))),
        ),
      ),
    ),
  );
}
