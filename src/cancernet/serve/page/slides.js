/* The slides of the server, and the jobs that map them; jobs go on when the page is closed. */

import { ask, askIfAny, askJson, Refusal } from "./api.js";
import { byId, bytes, fill, make, note, say, show, whole } from "./dom.js";
import { jobCard } from "./jobs.js";
import { scaleForm } from "./scale.js";

const SOME = 50; // slides or jobs of a request
const [SOON_MS, LATE_MS] = [1_500, 15_000]; // between two looks at jobs: one is at work, or none is
const FINER = [
  ["", "as the map"],
  ["2", "2 \u00b5m/px"],
  ["1", "1 \u00b5m/px"],
  ["0.5", "0.5 \u00b5m/px: cells"],
]; // of the viewer's tiles

let about = null;
let after = null;
let timer = 0;
const cards = new Map(); // of jobs

/* Show slides and jobs; returns whether this server has any of either. */
export async function start(model) {
  about = model;
  if (!model.slides) return false;
  const found = await askIfAny("/v1/slides", { query: { limit: SOME } });
  if (!found) return false;
  list(found);
  byId("more-slides").addEventListener("click", async () =>
    list(await askJson("/v1/slides", { query: { limit: SOME, after } })),
  );
  await jobs();
  return true;
}

function list({ slides, errors = [], notes = [], next }) {
  after = next;
  show(byId("more-slides"), next);
  byId("slides").append(...slides.map(slide));
  show(byId("no-slides"), !byId("slides").childElementCount);
  fill(byId("slide-errors"), ...errors.map(({ path, reason }) => note(`${path}: ${reason}`)), ...notes.map(note));
}

function slide(each) {
  const id = `slide-${each.id}`;
  const body = make("div", { class: "body" });
  const image = make("img", { src: `/v1/slides/${encodeURIComponent(each.id)}/thumbnail`, alt: "", loading: "lazy" });
  image.addEventListener("error", () => image.remove(), { once: true });
  const begin = make("button", { type: "button", class: "main", "aria-label": `Map ${each.name}` }, "Map\u2026");
  begin.addEventListener("click", () => prepare(each, body));
  const told = [each.patient && `patient ${each.patient}`, bytes(each.bytes)].filter(Boolean).join(", ");
  return make(
    "article",
    { class: "card slide", "aria-labelledby": id },
    make("div", { class: "thumb" }, image),
    make("div", {}, make("h3", { id }, each.name), make("p", { class: "muted" }, told), begin),
    body,
  );
}

async function prepare(each, body) {
  fill(body, make("p", { class: "muted" }, "Reading\u2026"));
  try {
    const found = await askJson(`/v1/slides/${encodeURIComponent(each.id)}`);
    const said = `${whole(found.width_px)} \u00d7 ${whole(found.height_px)} px at ${Number(found.mpp_x.toPrecision(4))} \u00b5m/px (${found.mpp_source})`;
    options(each, body, said, null);
  } catch (error) {
    if (error instanceof Refusal && error.kind === "scale-unknown") unknown(each, body, error);
    else fill(body, make("p", { class: "note", role: "alert" }, error.message));
  }
}

/* Ask for the scale; the outline of a patch is drawn where the server told how many px the slide has. */
async function unknown(each, body, { message, told }) {
  const image = await ask(`/v1/slides/${encodeURIComponent(each.id)}/thumbnail`).then(
    (answer) => answer.blob(),
    () => null,
  );
  const { width_px: width, height_px: height } = told;
  const done = (mpp) => options(each, body, `${mpp} \u00b5m/px, as you said`, mpp);
  const form = scaleForm({
    image: width && image,
    width: width ?? 1,
    height: height ?? 1,
    patchUm: about.size_px * about.mpp,
    several: false,
    done,
  });
  if (!width) form.querySelector("figure").remove();
  fill(body, make("p", { class: "note" }, `Its scale has to be said: ${message}`), form);
}

function options(each, body, said, mpp) {
  const id = `finer-${each.id}`;
  const finer = make(
    "select",
    { id },
    FINER.map(([value, words]) => make("option", { value }, words)),
  );
  const key = [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join(""); // a second press starts no second job
  const form = make(
    "form",
    { class: "row" },
    make("label", { for: id }, "Viewer's tiles"),
    finer,
    make("button", { class: "main" }, "Start"),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const json = { mpp, viewer_mpp: finer.value ? Number(finer.value) : null, stride: null };
    try {
      const job = await askJson(`/v1/slides/${encodeURIComponent(each.id)}/jobs`, {
        method: "POST",
        json,
        headers: { "Idempotency-Key": key },
      });
      fill(body, make("p", { class: "muted" }, "Its job is below."));
      place(job);
      say(`A job was started for ${each.name}`);
      look(SOON_MS);
    } catch (error) {
      fill(
        body,
        make(
          "p",
          { class: "note", role: "alert" },
          error.kind === "too-many" ? `${error.message}; try again in ${error.retry || 30} s` : error.message,
        ),
        form,
      );
    }
  });
  fill(body, make("p", { class: "small" }, said), form);
}

function place(job) {
  const known = cards.get(job.id);
  if (known) known.update(job);
  else {
    const made = jobCard(job, { changed: () => look(0), removed: () => (cards.delete(job.id), empty()) });
    cards.set(job.id, made);
    byId("jobs").prepend(made.element);
  }
  empty();
}

const empty = () => show(byId("no-jobs"), !cards.size);

async function jobs() {
  const found = [];
  let next = null;
  do {
    const page = await askIfAny("/v1/jobs", { query: { limit: SOME, after: next } });
    found.push(...(page?.jobs ?? []));
    next = page?.next ?? null;
  } while (next);
  for (const job of found.sort((a, b) => String(a.created).localeCompare(String(b.created)))) place(job);
  for (const [id, card] of cards) if (!found.some((job) => job.id === id)) (card.element.remove(), cards.delete(id));
  empty();
  const working = found.filter(({ state }) => ["queued", "running"].includes(state)).length;
  byId("slides-count").textContent = working ? ` (${working})` : "";
  look(working ? SOON_MS : LATE_MS);
}

function look(ms) {
  clearTimeout(timer);
  timer = setTimeout(() => jobs().catch(() => look(LATE_MS)), ms);
}
