/* The page of `cancernet serve`: what it is served by, its views, and files that come in. */

import * as answers from "./answers.js";
import { ask, askJson, Refusal, whenLocked } from "./api.js";
import { markdown } from "./card.js";
import { open } from "./detail.js";
import { banner, byId, count, fill, make, percent, probability, say, show, whole } from "./dom.js";
import * as fields from "./fields.js";
import { chosen, dropped, sorted } from "./intake.js";
import * as review from "./review.js";
import * as slides from "./slides.js";
import * as table from "./table.js";
import { unlock } from "./token.js";

const SAMPLES = [1, 2, 3];
const SAMPLE = (number) => `drawn-by-a-program/sample-${number}.png`;
const CHOICES = ["abstain", "alone"]; // that all answers depend on
const VIEWS = ["patches", "fields", "slides", "review", "model"];

let about = null;
let stop = null; // what is being asked

function view() {
  const asked = location.hash.replace("#/", "");
  const found = VIEWS.includes(asked) && !byId(`to-${asked}`).hidden ? asked : "patches";
  for (const each of VIEWS) {
    show(byId(`view-${each}`), each === found);
    const link = byId(`to-${each}`);
    if (each === found) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  show(byId("intake"), ["patches", "fields"].includes(found));
  document.title = `${byId(`to-${found}`).dataset.word} \u2013 CancerNet`;
  document.dispatchEvent(new Event("counts"));
}

function counts() {
  const patches = answers.state.rows.length;
  byId("patches-count").textContent = patches ? ` (${whole(patches)})` : "";
  byId("fields-count").textContent = fields.size() ? ` (${whole(fields.size())})` : "";
  show(byId("no-fields"), !fields.size());
  const any = answers.size() || fields.size() || answers.state.errors.length;
  byId("intake").classList.toggle("slim", Boolean(any));
  show(byId("hints"), !any);
  show(byId("clear"), any);
  const { stains, notes } = answers.state;
  const alarms = [...stains.values()].filter(({ alarm }) => alarm);
  const whose = (group) => ([".", "upload"].includes(group) ? "patches without a folder" : group);
  const shown = alarms.slice(0, 5).map(({ group, alarm }) => banner(`${whose(group)}: ${alarm}`));
  if (alarms.length > shown.length)
    shown.push(
      banner(
        `and ${count(alarms.length - shown.length, "more patient or folder", "more patients or folders")} of a foreign stain`,
      ),
    );
  const drawn = answers.state.rows.some(({ path }) => path.startsWith("drawn-by-a-program/"));
  fill(byId("alarms"), ...shown);
  const said = drawn
    ? [
        "The sample patches were drawn by a program: no tissue is in them, and what the model says of them means nothing.",
        ...notes,
      ]
    : notes;
  fill(byId("notes"), ...said.map((each) => make("p", { class: "note" }, each)));
}

/* Take files in: sort them, ask about the patches, queue the fields. */
async function take(items) {
  if (!items.length) return;
  if (stop) {
    fill(
      byId("failures"),
      banner(
        "The files before are still being asked about; these were not taken. Wait or cancel, then give them again.",
      ),
    );
    return;
  }
  await working("Looking at files", async (signal, progress) => {
    const found = await sorted(items, about.size_px, progress("Looking at files"), signal);
    if (found.errors.length) answers.refuse(found.errors);
    if (found.fields.length) fields.add(found.fields);
    if (found.patches.length)
      await answers.add(found.patches, { limits: about.limits, signal, progress: progress("Asking the model") });
    const { rows, errors } = answers.state;
    if (found.fields.length && !found.patches.length) location.hash = "#/fields";
    else if (found.patches.length) location.hash = "#/patches";
    say(
      `${count(rows.length, "answer")}, ${count(errors.length, "file")} not used, ${count(found.fields.length, "field")}`,
    );
  });
}

/* Do something that can be stopped, with its progress in sight. */
async function working(what, does) {
  stop = new AbortController();
  const { signal } = stop;
  const progress = (words) => (done, all) => {
    byId("progress").max = all;
    byId("progress").value = done;
    byId("progress-text").textContent = `${words}: ${whole(done)} of ${whole(all)}`;
  };
  byId("progress").removeAttribute("value");
  byId("progress-text").textContent = `${what}\u2026`;
  show(byId("working"), true);
  const focused = document.activeElement;
  for (const id of CHOICES) byId(id).disabled = true;
  fill(byId("failures"));
  try {
    await does(signal, progress);
  } catch (error) {
    if (!signal.aborted) fill(byId("failures"), banner(error.message));
    else say("Stopped");
  } finally {
    stop = null;
    show(byId("working"), false);
    for (const id of CHOICES) byId(id).disabled = false;
    if (document.activeElement === document.body) focused?.focus(); // it was disabled meanwhile
    document.dispatchEvent(new Event("counts"));
  }
}

async function samples() {
  try {
    const items = await Promise.all(
      SAMPLES.map(async (number) => {
        const blob = await (await ask(`/v1/samples/${number}.png`)).blob();
        return { path: SAMPLE(number), bytes: blob.size, open: async () => blob };
      }),
    );
    await take(items);
  } catch (error) {
    fill(byId("failures"), banner(error.message));
  }
}

async function again() {
  const how = { abstain: Number(byId("abstain").value) || null, alone: byId("alone").checked };
  await working("Asking again", (signal, progress) =>
    answers.again(how, { limits: about.limits, signal, progress: progress("Asking again") }),
  );
}

function receive() {
  for (const [button, input] of [
    ["choose-files", "files"],
    ["choose-folder", "folder"],
  ]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", async () => {
      const items = chosen(byId(input).files);
      byId(input).value = "";
      await take(items);
    });
  }
  byId("try").addEventListener("click", samples);
  byId("cancel").addEventListener("click", () => stop?.abort());
  byId("clear").addEventListener("click", () => {
    stop?.abort();
    answers.clear();
    fields.clear();
    show(byId("detail"), false);
    counts();
    byId("choose-files").focus();
  });
  let within = 0;
  const bears = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener(
    "dragenter",
    (event) => bears(event) && document.body.classList.toggle("over", ++within > 0),
  );
  document.addEventListener(
    "dragleave",
    (event) => bears(event) && document.body.classList.toggle("over", --within > 0),
  );
  document.addEventListener("dragover", (event) => bears(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!bears(event)) return;
    event.preventDefault();
    within = 0;
    document.body.classList.remove("over");
    if (["slides", "review", "model"].includes(location.hash.slice(2))) location.hash = "#/patches";
    await take(await dropped(event.dataTransfer));
  });
  byId("close-detail").addEventListener("click", () => {
    show(byId("detail"), false);
    byId("rows").querySelector("[aria-current] button")?.focus();
  });
}

function introduce() {
  const { model } = about;
  byId("model-name").textContent = model.name;
  byId("model-hash").textContent = model.graph_sha256.slice(0, 12);
  byId("model-threshold").textContent = probability(model.threshold);
  show(byId("synthetic"), model.synthetic);
  byId("rule").textContent =
    `PNG, JPEG or TIFF of H&E breast tissue. An image whose sides are at most ${about.size_px} px is a patch (at about ${about.mpp} \u00b5m/px, ${Math.round(about.size_px * about.mpp)} \u00b5m of tissue); a larger one is a field and mapped as a slide. Files go to this server alone and are gone with the answer.`;
  byId("abstain").append(
    ...about.bands.map(({ target }) => make("option", { value: target }, `about ${percent(target)} of the patches`)),
  );
  show(byId("abstain").closest("label"), about.bands.length);
  show(byId("alone").closest("label"), about.context);
  for (const id of CHOICES) byId(id).addEventListener("change", again);
  const facts = [
    ["Malignant from", `${probability(model.threshold)} on, chosen for a recall of ${percent(about.target_recall)}`],
    ["Learned from", `${whole(about.patients)} patients`],
    ["Takes", `${about.size_px} \u00d7 ${about.size_px} px at ${about.mpp} \u00b5m/px`],
    ["Surroundings", about.context ? "taken in where patient and place are known" : "not taken in"],
    ["Made", about.created.slice(0, 10)],
    ["Graph", model.graph_sha256],
    ["CancerNet", about.version],
  ];
  fill(
    byId("model-facts"),
    ...facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))),
  );
}

async function card() {
  try {
    const text = await (await ask(about.card)).text();
    fill(byId("card"), ...markdown(text));
  } catch (error) {
    fill(byId("card"), make("p", { class: "note" }, error.message));
  }
}

/* Show a part of the page that a server may lack. */
async function offered(name, part) {
  try {
    show(byId(`to-${name}`), await part.start(about));
  } catch (error) {
    fill(byId("failures"), banner(`${name}: ${error.message}`));
  }
}

async function begin() {
  whenLocked(unlock);
  try {
    about = await askJson("/v1/model");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fill(byId("failures"), banner(error.message, "The model cannot be asked"));
    return;
  }
  introduce();
  table.start(about, (row) => open(row, about));
  fields.start(about);
  receive();
  answers.changed.addEventListener("change", counts);
  document.addEventListener("counts", counts);
  addEventListener("hashchange", () => {
    view();
    byId(`view-${VIEWS.find((each) => !byId(`view-${each}`).hidden)}`)
      .querySelector("h2")
      .focus({ preventScroll: true });
    scrollTo(0, 0);
  });
  await Promise.all([card(), offered("slides", slides), offered("review", review)]);
  view();
  document.body.dataset.ready = "yes";
}

begin();
