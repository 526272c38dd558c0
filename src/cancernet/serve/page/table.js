/* The table of all answers: filtered, sorted, and a page of it at a time. */

import { changed, state } from "./answers.js";
import { COLUMNS, csv } from "./csv.js";
import { byId, chip, count, fill, make, probability, save, say, show, whole } from "./dom.js";
import { bandOf, bar } from "./odds.js";

const PAGE = 50; // rows; the browser holds no more than these
const LISTED = 200; // files that could not be used; the CSV has all
const QUIET_MS = 150; // after the last letter

const view = { text: "", decision: "", reason: "", sort: "order", down: false, page: 0 };
let about = null;
let kept = [];
let picked = null;
let pick = () => {};
let pictures = [];

/* Begin, with what is known of the model; `onPick(row)` gets the row that was chosen. */
export function start(model, onPick) {
  [about, pick] = [model, onPick];
  let timer = 0;
  byId("find").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => filter({ text: byId("find").value.trim().toLowerCase() }), QUIET_MS);
  });
  byId("only").addEventListener("change", () => filter({ decision: byId("only").value }));
  byId("why").addEventListener("change", () => filter({ reason: byId("why").value }));
  byId("csv").addEventListener("click", download);
  for (const [id, step] of [
    ["first", -Infinity],
    ["before", -1],
    ["after", 1],
    ["last", Infinity],
  ])
    byId(id).addEventListener("click", () => turn(step));
  for (const head of byId("answers").querySelectorAll("th[data-key]"))
    head.firstElementChild.addEventListener("click", () => sort(head.dataset.key));
  byId("answers").addEventListener("keydown", move);
  changed.addEventListener("change", update);
}

const differs = (row) => row.stated && row.decision !== "unsure" && row.stated !== row.decision;

const PASSES = {
  "": () => true,
  malignant: (row) => row.decision === "malignant",
  benign: (row) => row.decision === "benign",
  unsure: (row) => row.decision === "unsure",
  differs,
};

/* Why a patch is unsure, in a word for the filter: numbers in a reason differ from patch to patch. */
const kindOf = (reason) => reason.replace(/[-+]?\d[\d.,]*/g, "#");

function filter(how) {
  Object.assign(view, how, { page: 0 });
  update();
  say(`${count(kept.length, "patch", "patches")} shown`);
}

function sort(key) {
  if (view.sort !== key) Object.assign(view, { sort: key, down: key === "probability" });
  else if (view.down === (key === "probability")) view.down = !view.down;
  else Object.assign(view, { sort: "order", down: false });
  view.page = 0;
  update();
}

function update() {
  counts();
  const passes = PASSES[view.decision];
  kept = state.rows.filter((row) => passes(row) && (!view.reason || kindOf(row.reason) === view.reason) && holds(row));
  const value = (row) => row[view.sort] ?? "";
  const sign = view.down ? -1 : 1;
  const words = new Intl.Collator("en", { numeric: true });
  const compare = ["order", "probability"].includes(view.sort)
    ? (a, b) => sign * (value(a) - value(b)) || a.order - b.order
    : (a, b) => sign * words.compare(value(a), value(b)) || a.order - b.order;
  kept.sort(compare);
  rows();
}

const holds = (row) => !view.text || `${row.path}\n${row.patient}\n${row.reason}`.toLowerCase().includes(view.text);

function counts() {
  const { rows, errors } = state;
  show(byId("results"), rows.length || errors.length);
  const number = (decision) => rows.filter(PASSES[decision]).length;
  const only = byId("only");
  for (const option of only.options) option.textContent = `${option.dataset.word} (${whole(number(option.value))})`;
  const reasons = [...new Set(rows.map((row) => kindOf(row.reason)).filter(Boolean))].sort();
  if (view.reason && !reasons.includes(view.reason)) view.reason = "";
  const said = [
    make("option", { value: "" }, "any reason"),
    ...reasons.map((each) => make("option", { value: each, selected: each === view.reason }, each)),
  ];
  fill(byId("why"), ...said);
  show(byId("why").closest("label"), reasons.length);
  fill(
    byId("tally"),
    ...["malignant", "benign", "unsure"].map((each) => make("li", {}, chip(each), make("b", {}, whole(number(each))))),
  );
  if (errors.length)
    byId("tally").append(
      make("li", {}, make("span", { class: "chip refused" }, "not used"), make("b", {}, whole(errors.length))),
    );
  for (const each of ["patient", "reason", "stated"])
    byId("answers").classList.toggle(`no-${each}`, !rows.some((row) => row[each]));
  const refused = byId("refused");
  show(refused, errors.length);
  byId("refused-count").textContent = `${count(errors.length, "file")} could not be used`;
  const listed = errors
    .slice(0, LISTED)
    .map(({ path, reason }) => make("tr", {}, make("th", { scope: "row" }, path), make("td", {}, reason)));
  fill(byId("refused-rows"), ...listed);
  show(byId("refused-more"), errors.length > LISTED);
  if (!rows.length && errors.length) refused.open = true;
}

function rows() {
  const pages = Math.max(1, Math.ceil(kept.length / PAGE));
  view.page = Math.min(view.page, pages - 1);
  const begin = view.page * PAGE;
  for (const each of pictures) URL.revokeObjectURL(each);
  pictures = [];
  const focused = byId("rows").contains(document.activeElement) && document.activeElement.title;
  fill(byId("rows"), ...kept.slice(begin, begin + PAGE).map(row));
  if (focused) [...byId("rows").querySelectorAll("button")].find(({ title }) => title === focused)?.focus(); // answers still come
  const end = Math.min(kept.length, begin + PAGE);
  byId("place").textContent = kept.length
    ? `${whole(begin + 1)} to ${whole(end)} of ${whole(kept.length)}`
    : "no patch is like that";
  byId("answers").setAttribute("aria-rowcount", kept.length + 1);
  for (const [id, off] of [
    ["first", !view.page],
    ["before", !view.page],
    ["after", view.page >= pages - 1],
    ["last", view.page >= pages - 1],
  ])
    byId(id).disabled = off;
  show(byId("pager"), kept.length > PAGE);
  for (const head of byId("answers").querySelectorAll("th[data-key]")) {
    const sorted = head.dataset.key === view.sort;
    if (sorted) head.setAttribute("aria-sort", view.down ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function row(each, i) {
  const { threshold } = about.model;
  const band = bandOf(threshold, about.bands, state.abstain);
  const name = make(
    "button",
    { type: "button", class: "pick", title: each.path },
    make("span", { class: "name" }, each.path),
  );
  const made = make(
    "tr",
    { "aria-rowindex": view.page * PAGE + i + 2, "aria-current": each.path === picked && "true" },
    make("td", { class: "picture" }, thumbnail(each)),
    make("th", { scope: "row", class: "path" }, name, each.reason && make("small", { class: "narrow" }, each.reason)),
    make("td", { class: "patient" }, each.patient),
    make("td", {}, chip(each.decision)),
    make(
      "td",
      { class: "number" },
      bar(each.probability, threshold, band, each.decision),
      make("span", {}, probability(each.probability)),
    ),
    make("td", { class: "reason" }, each.reason),
    make(
      "td",
      { class: `stated${differs(each) ? " differs" : ""}` },
      each.stated ?? "",
      differs(each) && make("span", { class: "unseen" }, ", not as the model calls it"),
    ),
  );
  made.addEventListener("click", () => choose(each, made));
  return made;
}

function thumbnail(each) {
  const image = make("img", { alt: "", width: 36, height: 36, loading: "lazy" });
  if (!each.item || each.item.packed) return "";
  each.item.open().then(
    (blob) => {
      if (!image.isConnected) return;
      image.src = URL.createObjectURL(blob);
      pictures.push(image.src);
      image.addEventListener("error", () => image.remove(), { once: true }); // a format that browsers do not show
    },
    () => image.remove(),
  );
  return image;
}

function choose(each, made) {
  picked = each.path;
  for (const other of byId("rows").querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
  made.setAttribute("aria-current", "true");
  pick(each);
}

function turn(step) {
  view.page = Math.max(0, Math.min(Math.ceil(kept.length / PAGE) - 1, view.page + step));
  rows();
  byId("answers").closest(".scroll").scrollTop = 0;
  say(byId("place").textContent);
}

/* Up and down go through the rows, as in a list. */
function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = event.target.closest("tbody tr");
  if (!step || !here) return;
  const next = step > 0 ? here.nextElementSibling : here.previousElementSibling;
  if (!next) return;
  event.preventDefault();
  next.querySelector("button").focus();
  next.click();
}

function download() {
  const refused = state.errors.map((each) => ({ ...each, decision: "" }));
  save("predictions.csv", csv(COLUMNS, [...state.rows, ...refused]), "text/csv;charset=utf-8");
}
