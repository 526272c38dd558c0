/* One job as a card: where it is, what came of it, the viewer. */

import { ask } from "./api.js";
import { area, fill, make, moment, percent, say, whole } from "./dom.js";

const WORDS = { queued: "waiting", running: "at work", done: "done", failed: "failed", canceled: "canceled" };
const FILES = [
  ["patches.csv", "patches"],
  ["regions.geojson", "regions"],
  ["summary.json", "summary"],
];

/* Return { element, update }. */
export function jobCard(job, { changed, removed }) {
  const id = `job-${job.id}`;
  const body = make("div", { class: "body" });
  const state = make("span", { class: "state" });
  const element = make(
    "article",
    { class: "card", "aria-labelledby": id },
    make("header", {}, make("h3", { id }, job.name), state, make("span", { class: "muted" }, moment(job.created))),
    body,
  );
  let shown = "";

  function update(found) {
    const said = JSON.stringify(found);
    if (said === shown) return; // an open viewer stays as it is
    const before = job.state;
    [job, shown] = [found, said];
    state.textContent = WORDS[job.state] ?? job.state;
    state.className = `state ${job.state}`;
    if (before !== job.state) say(`${job.name}: ${state.textContent}`);
    fill(body, ...inside(job, end));
  }

  async function end() {
    const ended = !["queued", "running"].includes(job.state);
    try {
      await ask(`/v1/jobs/${encodeURIComponent(job.id)}`, { method: "DELETE" });
      if (ended) (element.remove(), removed());
      else changed();
    } catch (error) {
      body.append(make("p", { class: "note", role: "alert" }, error.message));
    }
  }

  update(job);
  return { element, update };
}

function inside(job, end) {
  if (["queued", "running"].includes(job.state)) {
    const { stage = "", share = null } = job.progress ?? {};
    const bar = make("progress", {
      max: 1,
      value: job.state === "running" && share !== null ? share : null,
      "aria-label": `Progress of ${job.name}`,
    });
    const cancel = make("button", { type: "button", "aria-label": `Cancel ${job.name}`, on: { click: end } }, "Cancel");
    return [
      make(
        "div",
        { class: "working" },
        bar,
        make("span", {}, stage || WORDS[job.state], share !== null && ` ${percent(share)}`),
        cancel,
      ),
    ];
  }
  const { summary } = job;
  return [
    job.error && make("p", { class: "note" }, job.error),
    summary?.refused &&
      make(
        "div",
        { class: "banner" },
        make("strong", {}, "Not to be used"),
        "its patches cannot be judged, for the reasons below",
      ),
    ...(summary?.alarms ?? []).map((each) => make("div", { class: "banner" }, each)),
    summary && facts(summary),
    ...(summary?.warnings ?? [])
      .filter((each) => !summary.alarms.includes(each))
      .map((each) => make("p", { class: "note" }, each)),
    ...links(job),
    make("p", {}, sure("Remove", "Remove its results", job.name, end)),
  ].filter(Boolean);
}

function facts(summary) {
  const told = [
    `${area(summary.malignant_mm2)} mm\u00b2 called malignant of ${area(summary.analysed_mm2)} mm\u00b2 analysed`,
    summary.malignant_share !== null && percent(summary.malignant_share),
    `${whole(summary.patches_unsure)} of ${whole(summary.patches)} patches unsure`,
  ].filter(Boolean);
  return make("p", {}, told.join("; "));
}

function links(job) {
  if (!job.viewer) return [];
  const frame = make("div");
  const folder = job.viewer.slice(0, job.viewer.lastIndexOf("/") + 1);
  const word = make("span", {}, "Show the map here");
  const here = make(
    "button",
    { type: "button", "aria-expanded": "false" },
    word,
    make("span", { class: "unseen" }, `, of ${job.name}`),
  );
  here.addEventListener("click", () => {
    const open = here.getAttribute("aria-expanded") === "true";
    here.setAttribute("aria-expanded", String(!open));
    word.textContent = open ? "Show the map here" : "Hide the map";
    fill(frame, !open && make("iframe", { class: "viewer", src: job.viewer, title: `Map of ${job.name}` }));
  });
  const away = make("a", { href: job.viewer, target: "_blank", rel: "noopener" }, "Open the map in a page of its own");
  const files = FILES.map(([name, words]) => make("a", { href: folder + name, download: name }, words));
  return [make("p", { class: "row" }, here, away, ...files), frame];
}

/* A button that has to be pressed twice. */
function sure(word, again, name, does) {
  const button = make("button", { type: "button", class: "quiet", "aria-label": `${word} ${name}` }, word);
  button.addEventListener("click", () => {
    if (button.dataset.asked) {
      does();
      return;
    }
    button.dataset.asked = "yes";
    button.textContent = `${again}? Press once more`;
    button.setAttribute("aria-label", `${again} of ${name}? Press once more`);
  });
  button.addEventListener("blur", () => {
    delete button.dataset.asked;
    button.textContent = word;
    button.setAttribute("aria-label", `${word} ${name}`);
  });
  return button;
}
