/* A reader goes through patches and judges each with one key; the server keeps the judgement with the patch. */

import { changed, state } from "./answers.js";
import { agreement } from "./agreement.js";
import { ask, askIfAny, askJson } from "./api.js";
import { byId, chip, count, fill, make, note, probability, say, show, whole } from "./dom.js";
import { draw, explained } from "./detail.js";
import { distance, scale, bandOf } from "./odds.js";
import { sampled } from "./sample.js";

const READER = "cancernet reader"; // the key of the name in the browser's store
const PAGE = 500; // judgements of a request
const KEYS = { m: "malignant", b: "benign", u: "unsure" };

let about = null;
let run = null; // { queue, at, past, reader, blind, busy }

/* Begin; returns whether this server keeps judgements. */
export async function start(model) {
  about = model;
  if (!(await askIfAny("/v1/reviews", { query: { limit: 1 } }))) return false;
  byId("reader").value = localStorage.getItem(READER) ?? "";
  byId("review-form").addEventListener("submit", (event) => (event.preventDefault(), begin()));
  for (const each of document.getElementsByName("queue")) each.addEventListener("change", offer);
  byId("stage").addEventListener("keydown", key);
  for (const verdict of Object.values(KEYS)) byId(`say-${verdict}`).addEventListener("click", () => judge(verdict));
  byId("say-accept").addEventListener("click", accept);
  byId("skip").addEventListener("click", () => step(1));
  byId("undo").addEventListener("click", undo);
  byId("stop").addEventListener("click", finish);
  changed.addEventListener("change", offer);
  offer();
  await agreement();
  return true;
}

const chosen = () => document.querySelector("input[name=queue]:checked").value;
const pictured = () => state.rows.filter(({ item }) => item && !item.packed);
const differs = ({ stated, decision }) => stated && decision !== "unsure" && stated !== decision;
const surest = (a, b) =>
  distance(b.probability, about.model.threshold) - distance(a.probability, about.model.threshold);

const QUEUES = {
  errors: (rows) => rows.filter(differs).sort(surest),
  unsure: (rows) => rows.filter(({ decision }) => decision === "unsure"),
  sample: (rows) => sampled(rows, Number(byId("sample-size").value), Number(byId("seed").value)),
};

function offer() {
  const rows = pictured();
  byId("errors-count").textContent = whole(QUEUES.errors(rows).length);
  byId("unsure-count").textContent = whole(QUEUES.unsure(rows).length);
  show(byId("sample-options"), chosen() === "sample");
  const lacking = state.rows.length - rows.length;
  const said = !state.rows.length
    ? "Nothing to review yet: drop patches first."
    : lacking
      ? `${count(lacking, "patch", "patches")} of a zip that the server read cannot be shown and so not be reviewed.`
      : "";
  byId("review-hint").textContent = said;
  byId("begin").disabled = !rows.length;
}

async function begin() {
  const reader = byId("reader").value.trim();
  localStorage.setItem(READER, reader);
  const blind = byId("blind").checked;
  const queue = QUEUES[chosen()](pictured());
  let left = queue;
  try {
    const made = await judged(reader);
    if (byId("fresh").checked) left = queue.filter(({ path }) => !made.has(path));
    run = { queue: left, at: 0, past: [], reader, blind, made };
  } catch (error) {
    byId("review-hint").textContent = error.message;
    return;
  }
  const out = queue.length - left.length;
  if (!left.length) {
    run = null;
    byId("review-hint").textContent = out
      ? `All ${whole(out)} were judged by ${reader} already.`
      : "No patch is of that kind.";
    return;
  }
  byId("review-hint").textContent = out ? `${whole(out)} that ${reader} has judged already were left out.` : "";
  show(byId("review-form"), false);
  show(byId("stage"), true);
  present();
}

/* What a reader has judged, by path. */
async function judged(reader) {
  const found = new Map();
  let after = null;
  do {
    const page = await askJson("/v1/reviews", { query: { reader, limit: PAGE, after } });
    for (const each of page.reviews) found.set(each.path, each);
    after = page.next;
  } while (after);
  return found;
}

async function present() {
  const { queue, at, blind, past } = run;
  byId("review-error").textContent = "";
  byId("undo").disabled = !past.length;
  byId("review-place").textContent = `${whole(Math.min(at + 1, queue.length))} of ${whole(queue.length)}`;
  byId("review-bar").max = queue.length;
  byId("review-bar").value = at;
  if (at >= queue.length) {
    finish();
    return;
  }
  const row = queue[at];
  byId("review-name").textContent = blind
    ? "Its name and the model's answer are hidden until you have judged"
    : row.path;
  byId("say-accept").disabled = blind || row.decision === "unsure";
  const band = bandOf(about.model.threshold, about.bands, state.abstain);
  const answer = [
    make(
      "p",
      { class: "verdict" },
      make("span", { class: "muted" }, "the model:"),
      chip(row.decision),
      make("b", {}, probability(row.probability)),
    ),
    row.reason && note(row.reason),
    scale(row.probability, about.model.threshold, band, row.decision),
    row.stated && make("p", {}, "its name states: ", chip(row.stated)),
  ].filter(Boolean);
  fill(byId("review-answer"), blind ? [] : answer);
  byId("stage").focus({ preventScroll: true });
  say(
    `${byId("review-place").textContent}${blind ? "" : `: the model says ${row.decision}, ${probability(row.probability)}`}`,
  );
  const [plain, over] = [byId("review-patch"), byId("review-evidence")];
  show(over.closest("figure"), false);
  try {
    const told = blind ? null : await explained(row).catch(() => null);
    if (run?.queue[run.at] !== row) return;
    const span = await draw(row, told, plain, over, about.model.threshold);
    show(over.closest("figure"), span !== null);
    if (plain.closest("figure").hidden)
      byId("review-error").textContent =
        "This browser cannot show the format of this file; skip it, or look at it elsewhere.";
  } catch (error) {
    byId("review-error").textContent = `It cannot be shown: ${error.message}`;
  }
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, textarea")) return;
  const named = event.key.toLowerCase();
  if (event.key === "Enter" && event.target.matches("button")) return; // it presses that button
  const does = KEYS[named] ? () => judge(KEYS[named]) : { enter: accept, backspace: undo, s: () => step(1) }[named];
  if (!does) return;
  event.preventDefault();
  does();
}

function accept() {
  if (byId("say-accept").disabled) {
    byId("review-error").textContent = run?.blind
      ? "Its call is hidden: judge with M, B or U."
      : "The model has no call to accept here: judge with M, B or U.";
    return;
  }
  judge(run.queue[run.at].decision);
}

async function sent(row, { verdict, note: said = "" }) {
  const form = new FormData();
  form.append("file", await row.item.open(), row.path.split("/").pop());
  for (const [name, value] of Object.entries({ path: row.path, reader: run.reader, verdict, note: said }))
    if (value) form.append(name, value);
  return askJson("/v1/reviews", { method: "POST", form });
}

async function judge(verdict) {
  if (!run || run.busy || run.at >= run.queue.length) return;
  const row = run.queue[run.at];
  await busy(async () => {
    const earlier = run.made.get(row.path) ?? null;
    const review = await sent(row, { verdict, note: byId("review-note").value.trim() });
    run.made.set(row.path, review);
    run.past.push({ at: run.at, row, review, earlier });
    byId("review-note").value = "";
    last(row, review);
    run.at++;
  });
}

/* What was judged last: in a blind review it says now what the model had said. */
function last(row, review) {
  const alone =
    review.decision !== row.decision &&
    `; the patch by itself, which is kept: ${review.decision} ${probability(review.probability)}`;
  const model = make("span", {}, `; the model: ${row.decision} ${probability(row.probability)}${alone || ""}`);
  fill(byId("review-last"), "Kept: ", make("span", { class: "name" }, row.path), " ", chip(review.verdict), model);
}

/* Take the last judgement back; one that it took the place of is put there again. */
async function undo() {
  if (!run?.past.length || run.busy) return;
  await busy(async () => {
    const { at, row, review, earlier } = run.past.at(-1);
    if (earlier) run.made.set(row.path, await sent(row, earlier));
    else {
      await ask(`/v1/reviews/${encodeURIComponent(review.hash)}`, { method: "DELETE", query: { reader: run.reader } });
      run.made.delete(row.path);
    }
    run.past.pop();
    run.at = at;
    fill(byId("review-last"), "Taken back: ", make("span", { class: "name" }, run.blind ? "the last one" : row.path));
  });
}

async function busy(does) {
  run.busy = true;
  try {
    await does();
  } catch (error) {
    byId("review-error").textContent = `Not kept: ${error.message}`;
    say(byId("review-error").textContent);
    return;
  } finally {
    run.busy = false;
  }
  present();
}

function step(by) {
  if (!run || run.busy) return;
  run.at += by;
  present();
}

function finish() {
  const made = run?.past.length ?? 0;
  run = null;
  show(byId("stage"), false);
  show(byId("review-form"), true);
  offer();
  byId("review-hint").textContent = `${count(made, "judgement")} kept.`;
  say(byId("review-hint").textContent);
  byId("begin").focus();
  agreement().catch((error) => (byId("review-hint").textContent = error.message));
}
