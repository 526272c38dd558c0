/* How many um a pixel has: a choice on a scale of factors, and what it means for the picture at hand. */

import { fill, make } from "./dom.js";

const [LEAST, MOST] = [0.1, 4]; // um/px
const STEPS = 1000; // of the slider
const GIVEN = 1; // um/px it begins at; nothing is taken before it is confirmed
const LARGEST = 1e8; // px of a picture that is decoded to be drawn; the frame alone is drawn of a larger one
const PREVIEW = 460; // px of the drawing's longer side, at most
const MARKS = [
  [0.25, "40\u00d7"],
  [0.5, "20\u00d7"],
  [1, "10\u00d7"],
  [4, "2.5\u00d7"],
]; // um/px of objectives, as scanners have them

const place = (mpp) => Math.round((STEPS * Math.log(mpp / LEAST)) / Math.log(MOST / LEAST));
const mppAt = (step) => Number((LEAST * (MOST / LEAST) ** (step / STEPS)).toPrecision(3));

let number = 0; // tells the controls of several forms apart

/* A form that asks for the scale of a picture.

   image: its file, null where the browser cannot show it; width and height in px; patchUm: um that a patch is wide;
   done(mpp, all): what was chosen, and whether for all that wait; several: whether to ask that. */
export function scaleForm({ image, width, height, patchUm, several, done }) {
  const id = `scale-${++number}`;
  const range = make("input", {
    type: "range",
    id: `${id}-range`,
    min: 0,
    max: STEPS,
    step: 1,
    list: `${id}-marks`,
    "aria-describedby": `${id}-means`,
  });
  const exact = make("input", {
    type: "number",
    id: `${id}-exact`,
    min: LEAST,
    max: 20,
    step: "any",
    required: true,
    "aria-label": "\u00b5m a pixel, exactly",
  });
  const marks = make(
    "datalist",
    { id: `${id}-marks` },
    MARKS.map(([mpp]) => make("option", { value: place(mpp) })),
  );
  const quick = make(
    "div",
    { class: "marks" },
    MARKS.map(([mpp, lens]) => make("button", { type: "button", on: { click: () => set(mpp) } }, `${lens} ${mpp}`)),
  );
  const means = make("p", { id: `${id}-means`, class: "means", "aria-live": "polite" });
  const canvas = make("canvas", {
    class: "preview",
    role: "img",
    "aria-label": "The picture with the outline of one patch",
  });
  const all = make("input", { type: "checkbox", id: `${id}-all` });
  const form = make(
    "form",
    { class: "ask" },
    make(
      "div",
      { class: "controls" },
      make("label", { for: range.id }, "\u00b5m a pixel"),
      make("div", { class: "control" }, range, exact, marks),
      quick,
      make(
        "p",
        { class: "small" },
        "Objectives as scanners have them; look for \u201cmpp\u201d or the objective in the file's notes. Too small or too large a scale gives answers that mean nothing.",
      ),
      several && make("p", { class: "control" }, all, make("label", { for: all.id }, "for all fields that do not say")),
      make("button", { class: "main" }, "Map at this scale"),
    ),
    make("figure", {}, canvas, make("figcaption", {}, means)),
  );
  let picture = null;
  let mpp = GIVEN;

  function set(value, from = null) {
    mpp = value;
    if (from !== range) range.value = place(Math.min(MOST, Math.max(LEAST, value)));
    if (from !== exact) exact.value = value;
    range.setAttribute("aria-valuetext", `${value} \u00b5m a pixel`);
    draw();
  }

  function draw() {
    const shrink = PREVIEW / Math.max(width, height);
    [canvas.width, canvas.height] = [Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink))];
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#e9ecef";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    if (picture) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const side = patchUm / mpp; // px of the picture
    const [x, y] = [(width - side) / 2, (height - side) / 2].map((each) => each * shrink);
    for (const [colour, wide] of [
      ["#fff", 5],
      ["#0b5a8f", 2.5],
    ]) {
      [pen.strokeStyle, pen.lineWidth] = [colour, wide];
      pen.strokeRect(x, y, side * shrink, side * shrink);
    }
    const mm = (px) => Number(((px * mpp) / 1000).toPrecision(2));
    const [across, down] = [width, height].map((px) => Math.floor(px / side));
    const fits = across && down ? `${across} \u00d7 ${down} patches fit` : "not one patch fits: the scale is too small";
    fill(
      means,
      `Then it is ${mm(width)} \u00d7 ${mm(height)} mm, and the outline is one patch of ${Math.round(patchUm)} \u00b5m (${Math.round(side)} px); ${fits}.`,
    );
  }

  range.addEventListener("input", () => set(mppAt(Number(range.value)), range));
  exact.addEventListener("input", () => Number(exact.value) > 0 && set(Number(exact.value), exact));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    done(mpp, all.checked);
  });
  set(GIVEN);
  if (image && width * height <= LARGEST)
    createImageBitmap(image, {
      resizeWidth: Math.ceil((width * PREVIEW) / Math.max(width, height)),
      resizeQuality: "medium",
    }).then(
      (made) => {
        picture = made;
        draw();
      },
      () => means.append(" The browser cannot show this format; the frame has its proportions."),
    );
  return form;
}
