/* The script of viewer.html: tiles through OpenSeadragon, and the map painted over them from the cells in the page. */
"use strict";

(function () {
  const MARK = "#000000"; // outline of what is called malignant
  const OUTLINE_PX = 2;
  const HATCH_PX = 13; // from line to line
  const PAN = 1 / 8; // of the view, a press of an arrow
  const ZOOM = 1.5; // a press of + or a button
  const CLOSEST = 6; // screen px a px of the tiles at most
  const RULER_PX = 220;
  const REGION_CELLS = 4; // least side of what is shown around a region
  const EDGE = 1e-6; // of a cell: what lies on an edge is of the cell it begins, however sums are rounded
  const QUIET_MS = 400; // after the last key, before anything is read out

  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("data").textContent);
  const { tiles, cells } = data;
  const probability = unpack(cells.probability);
  const state = unpack(cells.state);
  const [NONE, BENIGN, MALIGNANT, UNSURE] = [0, 1, 2, 3];
  let opacity = 1;
  let byKeys = false; // whether the cross in the middle or the pointer says which cell is read
  let pointer = null; // where it was last, in px of the window
  let timer = 0;
  const hint = byId("readout").textContent;

  if (!window.OpenSeadragon) return; // the page says what is lacking
  byId("lacking").remove();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const viewer = OpenSeadragon({
    element: byId("stage"),
    drawer: "canvas", // the others read pixels back, which a page opened as a file may not
    showNavigationControl: false,
    showNavigator: byId("stage").clientWidth > 700,
    navigatorPosition: "TOP_RIGHT",
    navigatorSizeRatio: 0.16,
    navigatorOpacity: 1,
    navigatorBackground: "#e9ecef",
    animationTime: still ? 0 : 0.6,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    maxZoomPixelRatio: CLOSEST,
    visibilityRatio: 0.5,
    tileSources: {
      width: tiles.width,
      height: tiles.height,
      tileSize: tiles.side,
      tileOverlap: 0,
      minLevel: 0,
      maxLevel: tiles.levels - 1,
      getTileUrl: (level, x, y) => `${tiles.folder}/${level}/${x}_${y}.jpg`,
    },
  });
  const plane = layer(viewer.canvas, "map");
  const scratch = document.createElement("canvas");
  const colours = picture((i) => (state[i] === BENIGN || state[i] === MALIGNANT ? colour(probability[i]) : null));
  const outlined = picture((i) => (state[i] === MALIGNANT ? [0, 0, 0, 255] : null));
  const hatched = picture((i) => (state[i] >= UNSURE ? [0, 0, 0, 255] : null));
  const hatch = hatching();

  function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => view.getUint16(2 * i, true));
  }

  function layer(parent, name) {
    const made = document.createElement("canvas");
    made.className = name;
    made.setAttribute("aria-hidden", "true");
    parent.appendChild(made);
    return made;
  }

  function colour(value) {
    const i = Math.round((255 * value) / cells.steps);
    return data.palette.slice(4 * i, 4 * i + 4);
  }

  // A canvas with a pixel a cell; nothing where no cell has such a state.
  function picture(rgba) {
    const made = document.createElement("canvas");
    made.width = cells.columns;
    made.height = cells.rows;
    const pen = made.getContext("2d");
    const image = pen.createImageData(cells.columns, cells.rows);
    let any = false;
    for (let i = 0; i < state.length; i++) {
      const found = rgba(i);
      if (found) {
        image.data.set(found, 4 * i);
        any = true;
      }
    }
    pen.putImageData(image, 0, 0);
    return any ? made : null;
  }

  function hatching() {
    const ratio = window.devicePixelRatio || 1;
    const side = Math.round(HATCH_PX * ratio);
    const made = document.createElement("canvas");
    made.width = made.height = side;
    const pen = made.getContext("2d");
    for (const [colour, width] of [["rgba(255,255,255,.6)", 3], ["#1b1f24", 1.3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width * ratio;
      pen.beginPath();
      for (const shift of [-side, 0, side]) {
        pen.moveTo(shift - side, 2 * side);
        pen.lineTo(shift + 2 * side, -side);
      }
      pen.stroke();
    }
    return made;
  }

  // Where the section lies on the screen: its corner and the px of an um, in CSS px of the stage.
  function placed() {
    const image = viewer.world.getItemAt(0);
    if (!image) return null;
    const at = (x, y) => viewer.viewport.pixelFromPoint(image.imageToViewportCoordinates(x, y, true), true);
    const corner = at(0, 0);
    return { x: corner.x, y: corner.y, um: (at(tiles.width, 0).x - corner.x) / (tiles.width * tiles.mpp) };
  }

  function paint() {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = viewer.canvas;
    for (const each of [plane, scratch]) {
      if (each.width !== Math.round(width * ratio) || each.height !== Math.round(height * ratio)) {
        each.width = Math.round(width * ratio);
        each.height = Math.round(height * ratio);
      }
    }
    plane.style.width = `${width}px`;
    plane.style.height = `${height}px`;
    const pen = plane.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, plane.width, plane.height);
    const place = placed();
    if (!place) return;
    ruler(place.um, width);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (byId("shown").checked) {
      pen.save();
      pen.beginPath();
      pen.rect(place.x, place.y, cells.width_um * place.um, cells.height_um * place.um);
      pen.clip();
      pen.globalAlpha = opacity;
      if (colours) lay(pen, colours, place, width, height, 0, 0);
      if (outlined) mask(pen, outlined, place, width, height, MARK, OUTLINE_PX);
      if (hatched) mask(pen, hatched, place, width, height, hatch, 0);
      pen.restore();
    }
    if (byKeys) cross(pen, width / 2, height / 2);
  }

  // Draw the visible part of a picture of cells, each a square; shifted by so many px.
  function lay(pen, image, place, width, height, right, down) {
    const side = cells.um * place.um;
    const left = Math.max(0, Math.floor(-place.x / side) - 1);
    const top = Math.max(0, Math.floor(-place.y / side) - 1);
    const columns = Math.min(cells.columns, Math.ceil((width - place.x) / side) + 1) - left;
    const rows = Math.min(cells.rows, Math.ceil((height - place.y) / side) + 1) - top;
    if (columns <= 0 || rows <= 0) return;
    pen.imageSmoothingEnabled = false;
    const x = place.x + left * side + right;
    const y = place.y + top * side + down;
    pen.drawImage(image, left, top, columns, rows, x, y, columns * side, rows * side);
  }

  // Fill cells with a pattern, or draw the inner edge of their outline with a colour.
  function mask(pen, image, place, width, height, paint, edge) {
    const ratio = window.devicePixelRatio || 1;
    const brush = scratch.getContext("2d");
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.globalCompositeOperation = "source-over";
    brush.clearRect(0, 0, scratch.width, scratch.height);
    brush.setTransform(ratio, 0, 0, ratio, 0, 0);
    lay(brush, image, place, width, height, 0, 0);
    if (edge) {
      // what is left where all shifted copies overlap is the inside: take it away
      const inside = document.createElement("canvas");
      inside.width = scratch.width;
      inside.height = scratch.height;
      const knife = inside.getContext("2d");
      knife.setTransform(ratio, 0, 0, ratio, 0, 0);
      lay(knife, image, place, width, height, 0, 0);
      knife.globalCompositeOperation = "destination-in";
      for (const [right, down] of [[1, 1], [1, -1], [-1, 1], [-1, -1], [1, 0], [-1, 0], [0, 1], [0, -1]]) {
        lay(knife, image, place, width, height, right * edge, down * edge);
      }
      brush.setTransform(1, 0, 0, 1, 0, 0);
      brush.globalCompositeOperation = "destination-out";
      brush.drawImage(inside, 0, 0);
    }
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.globalCompositeOperation = "source-in";
    brush.fillStyle = typeof paint === "string" ? paint : brush.createPattern(paint, "repeat");
    brush.fillRect(0, 0, scratch.width, scratch.height);
    pen.drawImage(scratch, 0, 0, width, height);
  }

  function cross(pen, x, y) {
    for (const [colour, width] of [["#ffffff", 5], ["#000000", 2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(x - 14, y);
      pen.lineTo(x + 14, y);
      pen.moveTo(x, y - 14);
      pen.lineTo(x, y + 14);
      pen.stroke();
    }
  }

  // A bar of 1, 2 or 5 times a power of ten um, at most a quarter of the view and RULER_PX.
  function ruler(um, width) {
    const most = Math.min(width / 4, RULER_PX) / um;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = Math.max(...[1, 2, 5].map((step) => step * power).filter((each) => each <= most * 1.000001));
    const [text, bar] = byId("scale").children;
    text.textContent = length >= 1000 ? `${length / 1000} mm` : `${Number(length.toPrecision(1))} µm`;
    bar.style.width = `${length * um}px`;
  }

  // What the map says at a place in um from the section's corner.
  function told(x, y) {
    const inside = x >= 0 && y >= 0 && x < cells.width_um && y < cells.height_um;
    if (!inside) return "off the slide";
    const whole = (value) => Math.round(value).toLocaleString("en");
    const [across, down] = data.slide_mpp;
    const [left, top] = data.origin;
    const where = `x ${whole(left + x / across)}, y ${whole(top + y / down)} px (${(x / 1000).toFixed(2)}, ${(y / 1000).toFixed(2)} mm)`;
    const [row, column] = [y, x].map((value) => Math.floor(value / cells.um + EDGE));
    const i = row * cells.columns + column;
    return `${where}: ${called(i)}`;
  }

  function called(i) {
    if (state[i] === NONE) return "no tissue judged here";
    if (state[i] >= UNSURE) return `unsure: ${cells.reasons[state[i] - UNSURE]}`;
    const word = state[i] === MALIGNANT ? "called malignant" : "called benign";
    return `probability of malignant ${(probability[i] / cells.steps).toFixed(3)}, ${word}`;
  }

  function centre() {
    const image = viewer.world.getItemAt(0);
    const point = image.viewportToImageCoordinates(viewer.viewport.getCenter(false));
    return [point.x * tiles.mpp, point.y * tiles.mpp];
  }

  function goTo(x, y) {
    const image = viewer.world.getItemAt(0);
    viewer.viewport.panTo(image.imageToViewportCoordinates(x / tiles.mpp, y / tiles.mpp));
  }

  function say(text) {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => { byId("said").textContent = text; }, QUIET_MS);
  }

  // After a key: what the cross in the middle lies on is shown, and read out.
  function readCentre() {
    byKeys = true;
    const text = told(...centre());
    byId("readout").textContent = text;
    say(text);
    viewer.forceRedraw();
  }

  function zoomBy(factor) {
    viewer.viewport.zoomBy(factor);
    viewer.viewport.applyConstraints();
  }

  function step(right, down, byCell) {
    if (byCell) {
      const [x, y] = centre().map((value) => (Math.floor(value / cells.um + EDGE) + 0.5) * cells.um);
      goTo(x + right * cells.um, y + down * cells.um);
    } else {
      const view = viewer.viewport.getBounds(false);
      viewer.viewport.panBy(new OpenSeadragon.Point(right * view.width * PAN, down * view.height * PAN));
    }
    viewer.viewport.applyConstraints();
  }

  function toggle() {
    byId("shown").click();
    say(byId("shown").checked ? "map shown" : "map hidden");
  }

  const KEYS = {
    ArrowLeft: (e) => step(-1, 0, e.shiftKey),
    ArrowRight: (e) => step(1, 0, e.shiftKey),
    ArrowUp: (e) => step(0, -1, e.shiftKey),
    ArrowDown: (e) => step(0, 1, e.shiftKey),
    "+": () => zoomBy(ZOOM),
    "=": () => zoomBy(ZOOM),
    "-": () => zoomBy(1 / ZOOM),
    _: () => zoomBy(1 / ZOOM),
    0: () => viewer.viewport.goHome(),
    Home: () => viewer.viewport.goHome(),
  };

  // All keys are ours: OpenSeadragon's own would turn and mirror the slide.
  function onKey(event) {
    if (event.target !== viewer.canvas || event.ctrlKey || event.altKey || event.metaKey || event.key === "Tab") return;
    event.stopPropagation();
    if (event.key === "m" || event.key === "M") {
      toggle();
      return;
    }
    const act = KEYS[event.key];
    if (!act || !viewer.world.getItemAt(0)) return;
    event.preventDefault();
    act(event);
    readCentre();
  }

  function onPointer(event) {
    pointer = event.type === "pointerleave" ? null : [event.clientX, event.clientY];
    if (pointer && byKeys) {
      byKeys = false;
      viewer.forceRedraw();
    }
    readPointer();
  }

  // What lies under the pointer is shown, and again after the slide has moved beneath it; without a pointer, how to.
  function readPointer() {
    const place = placed();
    if (byKeys || !place) return;
    const box = viewer.canvas.getBoundingClientRect();
    byId("readout").textContent = pointer
      ? told((pointer[0] - box.left - place.x) / place.um, (pointer[1] - box.top - place.y) / place.um)
      : hint;
  }

  function showRegion(button) {
    const image = viewer.world.getItemAt(0);
    if (!image) return;
    const [left, top, right, bottom] = data.regions[Number(button.dataset.region)];
    const [width, height] = [right - left, bottom - top].map((side) => Math.max(side * 1.2, REGION_CELLS));
    const px = cells.um / tiles.mpp;
    byKeys = false; // what was read before is no longer in the middle
    const [x, y] = [(left + right) / 2 - width / 2, (top + bottom) / 2 - height / 2];
    const box = image.imageToViewportRectangle(x * px, y * px, width * px, height * px);
    viewer.viewport.fitBounds(box);
    for (const each of document.querySelectorAll("[data-region]")) {
      each.setAttribute("aria-current", String(each === button));
    }
    say(`${button.textContent}: shown`);
  }

  const stage = byId("stage");
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-label", `Slide ${document.title} under its map; arrow keys move, plus and minus zoom`);
  viewer.canvas.setAttribute("aria-describedby", "help");
  viewer.canvas.tabIndex = 0;
  stage.addEventListener("keydown", onKey, true);
  stage.addEventListener("keypress", (event) => event.stopPropagation(), true);
  stage.addEventListener("pointermove", onPointer);
  stage.addEventListener("pointerdown", onPointer);
  stage.addEventListener("pointerleave", onPointer);
  viewer.canvas.addEventListener("focus", () => {
    if (viewer.canvas.matches(":focus-visible") && viewer.world.getItemAt(0)) readCentre();
  });
  viewer.addHandler("update-viewport", paint);
  viewer.addHandler("viewport-change", readPointer);
  viewer.addHandler("tile-load-failed", () => {
    byId("readout").textContent = `Some of the slide is not there: is the folder ${tiles.folder} whole?`;
  });
  byId("closer").addEventListener("click", () => zoomBy(ZOOM));
  byId("farther").addEventListener("click", () => zoomBy(1 / ZOOM));
  byId("whole").addEventListener("click", () => viewer.viewport.goHome());
  byId("shown").addEventListener("change", () => viewer.forceRedraw());
  byId("opacity").addEventListener("input", (event) => {
    opacity = event.target.value / 100;
    byId("opaque").textContent = `${event.target.value} %`;
    viewer.forceRedraw();
  });
  for (const button of document.querySelectorAll("[data-region]")) {
    button.addEventListener("click", () => showRegion(button));
  }
})();
