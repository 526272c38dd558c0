/* Elements and words: what every part of the page writes with. */

export const byId = (id) => document.getElementById(id);

/* An element with attributes; `on` has its listeners, and what is false or null is left out. */
export function make(tag, said = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, what] of Object.entries(said)) {
    if (name === "on") for (const [event, does] of Object.entries(what)) made.addEventListener(event, does);
    else if (what === true) made.setAttribute(name, "");
    else if (what !== false && what !== null && what !== undefined) made.setAttribute(name, what);
  }
  made.append(...inside.flat().filter((each) => each !== null && each !== undefined && each !== false));
  return made;
}

export const fill = (element, ...inside) =>
  element.replaceChildren(...inside.flat().filter((each) => each || each === 0));

export const show = (element, whether) => {
  element.hidden = !whether;
};

export const whole = (number) => number.toLocaleString("en-US");
export const count = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;
export const probability = (value) => value.toFixed(3);
export const percent = (share) => `${Number((100 * share).toPrecision(3))}%`;

export function bytes(number) {
  if (number < 1e6) return `${Math.max(1, Math.round(number / 1e3))} kB`;
  return number < 1e9 ? `${(number / 1e6).toFixed(1)} MB` : `${(number / 1e9).toFixed(1)} GB`;
}

export function area(mm2) {
  return mm2 > 0 ? mm2.toFixed(Math.min(9, 1 - Math.min(0, Math.floor(Math.log10(mm2))))) : "0";
}

export const moment = (iso) => (iso ? new Date(iso).toLocaleString() : "");

const MARKS = { malignant: "\u25cf", benign: "\u25cb", unsure: "?" };

/* A decision: its word, and a mark that is told apart without colour. */
export function chip(decision) {
  return make(
    "span",
    { class: `chip ${decision}` },
    make("i", { "aria-hidden": "true" }, MARKS[decision] ?? ""),
    decision,
  );
}

let timer = 0;

/* Say something to who cannot see the page change; the last of several in a row is read. */
export function say(text) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    byId("said").textContent = text;
  }, 150);
}

export function banner(text, title = "") {
  return make("div", { class: "banner", role: "alert" }, title && make("strong", {}, title), text);
}

export const note = (text) => make("p", { class: "note" }, text);

/* Offer what was made here as a file. */
export function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = make("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
