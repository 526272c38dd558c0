/* The script of cohort.html: sorts and filters the slides, and holds only those rows in the document that are seen. */
"use strict";

(function () {
  const SPARE = 8; // rows beyond the edges, so that Tab finds the next one
  const QUIET_MS = 120; // after the last letter, before the rows are filtered
  const DASH = "\u2013";
  const FILES = ["overlay.png", "patches.csv", "tiles.geojson", "regions.geojson", "import.groovy", "summary.json"];

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const at = Object.fromEntries(data.fields.map((name, i) => [name, i]));
  const value = (row, name) => data.rows[row][at[name]];
  const warnings = (row) => data.told[row].map((i) => data.warnings[i]);
  const remarks = (row) => [value(row, "reason"), data.odd[row] && `stands out: ${data.odd[row]}`, ...warnings(row)].filter(Boolean);
  const answered = (row) => value(row, "status") !== "failed";
  const whole = (number) => number.toLocaleString("en-US");
  const fixed = (digits) => (number) => number.toFixed(digits);

  // An area as summary.json is read elsewhere: two digits at least, so that little never reads as nothing.
  function area(mm2) {
    return mm2 > 0 ? mm2.toFixed(Math.min(9, 1 - Math.min(0, Math.floor(Math.log10(mm2))))) : "0";
  }

  function share(ofOne) {
    if (ofOne === 0) return "0%";
    return ofOne < 0.001 ? "under 0.1%" : `${(100 * ofOne).toFixed(1)}%`;
  }

  // key, title, width in rem, and how a number is shown; text where there is nothing
  const COLUMNS = [
    ["slide", "Slide", 0],
    ["status", "Status", 5.2],
    ["remarks", "Remarks", 17],
    ["patient", "Patient", 5.8],
    ["malignant_share", "Malignant, of the analysed", 5.9, share],
    ["mean_log_odds", "Mean log odds", 4.6, fixed(2)],
    ["unsure_share", "Share unsure", 5, share],
    ["stain_distance", "Stain distance", 5.2, fixed(2)],
    ["malignant_mm2", "Malignant, mm\u00b2", 6, area],
    ["analysed_mm2", "Analysed, mm\u00b2", 5.6, area],
    ["tissue_mm2", "Tissue, mm\u00b2", 4.9, area],
    ["patches", "Patches", 5, whole],
    ["patches_malignant", "Patches malignant", 6, whole],
    ["patches_benign", "Patches benign", 5, whole],
    ["patches_unsure", "Patches unsure", 5, whole],
    ["mpp", "\u00b5m/px", 5.4, (number) => String(Number(number.toPrecision(4)))],
    ["seconds", "Seconds", 5.2, fixed(1)],
    ["model", "Model", 7],
  ];
  const shown = Object.fromEntries(COLUMNS.map(([key, , , how]) => [key, how]));
  const text = (row, key) => {
    const found = value(row, key);
    return found === null || found === "" ? DASH : shown[key] ? shown[key](found) : String(found);
  };

  function make(tag, said = {}, ...inside) {
    const made = document.createElement(tag);
    for (const [name, what] of Object.entries(said)) made.setAttribute(name, what);
    made.append(...inside);
    return made;
  }

  const place = (row, file) => [...value(row, "folder").split("/"), ...file.split("/")].map(encodeURIComponent).join("/");

  // ---- order and choice

  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const every = data.rows.map((_, i) => i);
  let sorted = { key: "", down: false };
  let order = every; // all rows, as they are sorted
  let chosen = every; // those of them that pass the filter
  let found = null; // what the words are looked for in, made at the first use

  function keyOf(row, key) {
    if (key === "status") return data.rows[row][at.status] === "failed" ? 0 : value(row, "status") === "refused" ? 1 : 2;
    const made = key === "remarks" ? remarks(row).join("; ") : value(row, key);
    return made === "" ? null : made;
  }

  function sort(key) {
    const isText = !shown[key];
    const down = sorted.key === key ? !sorted.down : !isText; // of numbers the largest first
    sorted = { key, down };
    const keys = every.map((row) => keyOf(row, key));
    const compare = isText && key !== "status" ? collator.compare : (a, b) => a - b;
    order = [...every].sort((a, b) => {
      if (keys[a] === null || keys[b] === null) return (keys[a] === null) - (keys[b] === null); // unknown ones last
      return down ? compare(keys[b], keys[a]) : compare(keys[a], keys[b]);
    });
    for (const head of heads) {
      if (head.dataset.key === key) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    choose();
  }

  function choose() {
    const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = new Set([...document.querySelectorAll("[name=status]:checked")].map((box) => box.value));
    const alone = byId("alone").checked;
    found ??= every.map((row) =>
      ["slide", "patient", "folder", "status", "model", "path"].map((key) => value(row, key)).concat(remarks(row)).join("\n").toLowerCase(),
    );
    chosen = order.filter(
      (row) => statuses.has(value(row, "status")) && (!alone || data.odd[row]) && words.every((word) => found[row].includes(word)),
    );
    byId("count").textContent = `${whole(chosen.length)} of ${whole(every.length)} slides`;
    table.setAttribute("aria-rowcount", chosen.length + 1);
    for (const made of drawn.values()) made.remove();
    drawn.clear();
    frame.scrollTop = 0;
    draw();
  }

  // ---- the rows in the document

  const frame = byId("frame");
  const drawn = new Map(); // place among the chosen -> its tr
  const space = () => make("tr", { class: "space", "aria-hidden": "true" }, make("td", { colspan: COLUMNS.length }));
  const above = space();
  const below = space();
  const heads = COLUMNS.map(([key, title, , how], i) => {
    const head = make("th", { scope: "col", "aria-colindex": i + 1, class: how ? "number" : "text" }, make("button", { type: "button" }, title));
    head.dataset.key = key;
    return head;
  });
  const body = make("tbody", {}, above, below);
  const narrow = frame.clientWidth < 500;
  const widths = COLUMNS.map(([, , rem]) => {
    const made = make("col");
    made.style.width = `${rem || (narrow ? 9.5 : 15)}rem`;
    return made;
  });
  const table = make("table", { "aria-labelledby": "slides" }, make("colgroup", {}, ...widths), make("thead", {}, make("tr", { "aria-rowindex": 1 }, ...heads)), body);
  let rowPx = 72; // until one is there to be measured

  function draw() {
    const first = Math.max(0, Math.floor(frame.scrollTop / rowPx) - SPARE);
    const high = Math.max(frame.clientHeight, window.innerHeight); // the frame is as high as what is in it, at most so
    const end = Math.min(chosen.length, Math.ceil((frame.scrollTop + high) / rowPx) + SPARE);
    const gone = [...drawn].filter(([place]) => place < first || place >= end);
    // the focus would be lost with its row; it moves before any row goes, since it makes the browser lay out the frame
    if (gone.some(([, made]) => made.contains(document.activeElement))) frame.focus({ preventScroll: true });
    for (const [place, made] of gone) {
      made.remove();
      drawn.delete(place);
    }
    let next = below;
    for (let i = end - 1; i >= first; i--) {
      let made = drawn.get(i);
      if (!made) {
        made = tableRow(chosen[i], i);
        drawn.set(i, made);
        body.insertBefore(made, next);
      }
      next = made;
    }
    above.firstChild.style.height = `${first * rowPx}px`;
    below.firstChild.style.height = `${(chosen.length - end) * rowPx}px`;
    const one = drawn.values().next().value;
    const found = one ? one.getBoundingClientRect().height : rowPx;
    if (Math.abs(found - rowPx) > 0.01) {
      rowPx = found;
      draw();
    }
  }

  function tableRow(row, place) {
    const made = make("tr", { "aria-rowindex": place + 2 });
    made.append(...COLUMNS.map(([key, , , how]) => cell(row, key, how)));
    return made;
  }

  function cell(row, key, how) {
    if (key === "slide") return slideCell(row);
    const inside = make("div");
    if (key === "remarks") {
      inside.append(make("span", { class: data.odd[row] ? "remark stands" : "remark" }, remarks(row).join("; ") || DASH));
    } else {
      inside.append(text(row, key));
      if (key === "status") inside.className = value(row, key);
      if (key === "mpp" && value(row, "mpp_from")) inside.append(make("small", {}, value(row, "mpp_from")));
      if (key === "model" && value(row, "graph_sha256")) inside.append(make("small", {}, value(row, "graph_sha256").slice(0, 12)));
    }
    return make("td", { class: how ? "number" : "text" }, inside);
  }

  function slideCell(row) {
    const name = value(row, "slide");
    const there = answered(row) && value(row, "folder");
    const picture = there
      ? make("img", { src: place(row, "thumbnail.png"), alt: "", loading: "lazy", decoding: "async", width: 62, height: 62 })
      : make("i");
    const link = there ? make("a", { href: place(row, "viewer.html"), title: name }, name) : make("b", { title: name }, name);
    const more = make("button", { type: "button", "data-row": row, "aria-label": `Details of ${name}` }, "Details");
    return make("th", { scope: "row" }, make("div", { class: "slide" }, picture, make("span", {}, link, more)));
  }

  // ---- one slide

  const dialog = byId("details");

  function open(row) {
    const facts = COLUMNS.slice(3).map(([key, title]) => [title, text(row, key)]);
    facts.push(["Scale from", value(row, "mpp_from")], ["Stain limit", value(row, "stain_limit")], ["Graph (SHA-256)", value(row, "graph_sha256")], ["File", value(row, "path")]);
    const rows = facts.filter(([, said]) => said !== null && said !== "" && said !== DASH);
    const close = make("button", { type: "button", value: "close" }, "Close");
    dialog.replaceChildren(
      make("header", {}, make("h2", { id: "details-head" }, value(row, "slide")), close),
      make("p", { class: value(row, "status") }, value(row, "status")),
      ...remarks(row).map((said) => make("p", { class: "note" }, said)),
    );
    if (answered(row) && value(row, "folder")) {
      const links = FILES.map((file) => make("a", { href: place(row, file) }, file));
      dialog.append(make("p", { class: "links" }, make("a", { href: place(row, "viewer.html") }, "Open the viewer"), ...links));
    }
    dialog.append(
      make("table", { class: "facts" }, make("tbody", {}, ...rows.map(([title, said]) => make("tr", {}, make("th", { scope: "row" }, title), make("td", {}, String(said)))))),
    );
    if (answered(row) && value(row, "folder")) {
      dialog.append(make("img", { src: place(row, "overlay.png"), alt: `Probability of malignant over the section of ${value(row, "slide")}` }));
    }
    dialog.showModal();
    dialog.scrollTop = 0;
  }

  // ---- what a person does

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === dialog || (button && button.value === "close")) dialog.close();
    else if (button && button.dataset.row) open(Number(button.dataset.row));
    else if (button && button.closest("th[data-key]")) sort(button.closest("th").dataset.key);
  });
  let timer = 0;
  byId("words").addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(choose, QUIET_MS);
  });
  byId("tools").addEventListener("change", choose);
  byId("tools").addEventListener("submit", (event) => event.preventDefault());
  byId("tools").reset(); // a browser that comes back fills in what was typed, without saying so
  frame.addEventListener("scroll", draw, { passive: true });
  window.addEventListener("resize", draw);
  frame.append(table);
  choose();
})();
