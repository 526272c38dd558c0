/* Large fields: mapped one after the other; where a file does not say its scale, its reader is asked. */

import { askJson, Refusal } from "./api.js";
import { csv } from "./csv.js";
import { area, byId, bytes, count, fill, make, note, percent, save, say, show, whole } from "./dom.js";
import { scaleForm } from "./scale.js";

const ATONCE = 12; // fields that are mapped without asking whether so many are meant
const COLUMNS = ["x", "y", "width", "height", "probability", "alone", "threshold", "decision", "reason"];

const waiting = [];
let about = null;
let running = null; // { field, stop }
let given = null; // um/px that was said for all that do not say
let number = 0;

export function start(model) {
  about = model;
}

export const size = () => byId("fields").childElementCount;

/* Put fields in the queue; more than a few are asked for once more, as they may be patches of another size. */
export function add(items) {
  const added = items.map((item) => ({ item, mpp: null, ...card(item) }));
  byId("fields").append(...added.map(({ element }) => element));
  if (items.length <= ATONCE) {
    enqueue(added);
    return;
  }
  const begin = make("button", { class: "main", type: "button" }, `Map all ${whole(items.length)}`);
  const drop = make("button", { type: "button" }, "Remove them");
  const asked = make(
    "div",
    { class: "note ask-many" },
    make(
      "p",
      {},
      `${count(items.length, "image")} have sides above ${about.size_px} px and so count as fields, each mapped by itself. Patches have to be ${about.size_px} px at ${about.mpp} \u00b5m/px.`,
    ),
    begin,
    " ",
    drop,
  );
  begin.addEventListener("click", () => (asked.remove(), enqueue(added)));
  drop.addEventListener("click", () => (asked.remove(), added.forEach(({ element }) => element.remove())));
  byId("fields").before(asked);
}

function enqueue(added) {
  for (const field of added) if (field.element.isConnected) (waiting.push(field), status(field, "waiting"));
  next();
}

function card(item) {
  const id = `field-${++number}`;
  const body = make("div", { class: "body" });
  const remove = make("button", { type: "button", class: "quiet", "aria-label": `Remove ${item.path}` }, "Remove");
  const told = [item.width && `${whole(item.width)} \u00d7 ${whole(item.height)} px`, bytes(item.bytes)]
    .filter(Boolean)
    .join(", ");
  const element = make(
    "article",
    { class: "card", "aria-labelledby": id },
    make("header", {}, make("h3", { id }, item.path), make("span", { class: "muted" }, told), remove),
    body,
  );
  remove.addEventListener("click", () => {
    if (running?.field.element === element) running.stop.abort();
    const place = waiting.findIndex((field) => field.element === element);
    if (place >= 0) waiting.splice(place, 1);
    element.remove();
    document.dispatchEvent(new Event("counts"));
  });
  return { element, body };
}

const status = (field, text) => fill(field.body, make("p", { class: "muted" }, text));

async function next() {
  if (running || !waiting.length) return;
  const field = waiting.shift();
  const stop = new AbortController();
  running = { field, stop };
  const cancel = make("button", { type: "button", on: { click: () => stop.abort() } }, "Cancel");
  const bar = make("progress", { "aria-label": `Mapping ${field.item.path}` });
  fill(field.body, make("div", { class: "working" }, bar, make("span", {}, "Mapping\u2026"), cancel));
  say(`Mapping ${field.item.path}`);
  try {
    await map(field, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) again(field, "Stopped.");
    else if (error instanceof Refusal && error.kind === "scale-unknown") unknown(field, error.message);
    else again(field, error.message);
  } finally {
    running = null;
    next();
  }
}

async function map(field, signal) {
  const { item } = field;
  if (item.bytes > about.limits.field_bytes)
    throw new Error(
      `it has ${bytes(item.bytes)}; a field may have ${bytes(about.limits.field_bytes)}. Put it into the folder of --slides instead`,
    );
  const form = new FormData();
  form.append("file", await item.open(), item.path);
  const found = await askJson("/v1/fields", { method: "POST", form, query: { mpp: field.mpp }, signal });
  result(field, found);
  say(`${item.path} is mapped`);
}

function again(field, message) {
  const button = make("button", { type: "button", on: { click: () => enqueue([field]) } }, "Try again");
  fill(field.body, make("p", { class: "note", role: "alert" }, message), button);
}

/* Ask for the scale, unless it was said for all that do not say. */
function unknown(field, message) {
  if (!given || field.mpp === given) return ask(field, `Its scale has to be said: ${message}`);
  field.mpp = given;
  return enqueue([field]);
}

async function ask(field, message) {
  const { item } = field;
  const image = await item.open().catch(() => null);
  const form = scaleForm({
    image,
    width: item.width ?? 1000, // what no size was read of is drawn as a square
    height: item.height ?? 1000,
    patchUm: about.size_px * about.mpp,
    several: waiting.length > 0,
    done: (mpp, all) => {
      if (all) given = mpp;
      field.mpp = mpp;
      enqueue([field]);
    },
  });
  fill(field.body, make("p", { class: "note" }, message), form);
  say(`The scale of ${item.path} has to be said`);
}

function result(field, found) {
  const { summary, patches } = found;
  const facts = [
    ["tissue", `${area(summary.tissue_mm2)} mm\u00b2`],
    ["analysed", `${area(summary.analysed_mm2)} mm\u00b2`],
    ["called malignant", `${area(summary.malignant_mm2)} mm\u00b2`],
    ["of the analysed", summary.malignant_share === null ? "\u2013" : percent(summary.malignant_share)],
    [
      "patches",
      `${whole(summary.patches)}: ${whole(summary.patches_malignant)} malignant, ${whole(summary.patches_benign)} benign, ${whole(summary.patches_unsure)} unsure`,
    ],
    [
      "scale",
      `${Number(summary.mpp.x.toPrecision(4))} \u00b5m/px (${summary.mpp.from === "mpp" ? "as you said" : summary.mpp.from})`,
    ],
    [
      "stain",
      summary.stain_distance === null
        ? "\u2013"
        : `distance ${summary.stain_distance.toFixed(2)} of ${summary.stain_limit.toFixed(2)} allowed`,
    ],
  ];
  const table = make(
    "button",
    { type: "button", on: { click: () => save("patches.csv", csv(COLUMNS, patches), "text/csv;charset=utf-8") } },
    "Patches as CSV",
  );
  const other = make(
    "button",
    { type: "button", class: "quiet", on: { click: () => ask(field, "Another scale gives another map.") } },
    "Another scale",
  );
  const said = summary.mpp.from === "mpp" || field.mpp !== null;
  const warnings = summary.warnings.filter((each) => !summary.alarms.includes(each));
  fill(
    field.body,
    summary.refused &&
      make(
        "div",
        { class: "banner", role: "alert" },
        make("strong", {}, "Not to be used"),
        "its patches cannot be judged, for the reasons below",
      ),
    ...summary.alarms.map((each) => make("div", { class: "banner", role: "alert" }, each)),
    make(
      "div",
      { class: "mapped" },
      make(
        "figure",
        {},
        make(
          "div",
          { class: "scroll", tabindex: 0, role: "region", "aria-label": `Map of ${field.item.path}` },
          make("img", { src: found.overlay, alt: described(field.item.path, summary) }),
        ),
        make("figcaption", {}, "The field under its map. Research only."),
      ),
      make(
        "div",
        {},
        make(
          "table",
          { class: "facts" },
          make(
            "tbody",
            {},
            facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))),
          ),
        ),
        ...warnings.map(note),
        make("p", { class: "row" }, table, said && other),
      ),
    ),
  );
}

const described = (path, { patches_malignant: malignant, patches }) =>
  `Map of ${path}: ${whole(malignant)} of ${whole(patches)} patches called malignant`;

/* Stop what is being mapped, and leave the others waiting no longer. */
export function clear() {
  running?.stop.abort();
  waiting.length = 0;
  given = null;
  for (const each of document.querySelectorAll(".ask-many")) each.remove();
  fill(byId("fields"));
  show(byId("no-fields"), true);
}
