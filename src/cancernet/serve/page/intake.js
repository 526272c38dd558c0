/* Files that were dropped or chosen: which are patches and which fields, under which path. */

import { sizeOf } from "./sizes.js";
import { entriesOf } from "./zip.js";

const SLIDES = /\.(svs|ndpi|scn|bif|czi|svslide)$/i; // formats of scanners, fields whatever their first picture is
const SPAN = 64; // files looked at side by side
const MOST = 64_000_000; // bytes of what is no image; the server would refuse it too

/* A file: its path as the tables show it, its bytes, and how to get at them. */
const item = (path, bytes, open) => ({ path, bytes, open });
const ofFile = (file, path) => item(path || file.webkitRelativePath || file.name, file.size, async () => file);

/* The files of a drop, folders gone through. The browser empties the list once this has been waited for. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((each) => each.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ofFile(file));
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed)).catch(() => null);
    found.push(
      file ? ofFile(file, path) : item(path, 0, () => Promise.reject(new Error("the browser cannot open it"))),
    );
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed)).catch(() => []);
    if (!some.length) return; // it gives a hundred at a time
    for (const each of some) await walk(each, `${path}/`, found);
  }
}

export const chosen = (files) => [...files].map((file) => ofFile(file));

/* Sort files into { patches, fields, errors }: an image whose sides are at most `side` px is a patch, a larger one a field.
   What is no image that this page knows goes along as a patch: the server says why it is none. */
export async function sorted(items, side, progress = () => {}, signal = null) {
  const found = { patches: [], fields: [], errors: [] };
  const flat = [];
  for (const each of items) flat.push(...(await unzipped(each, items.length > 1)));
  named(flat);
  for (let i = 0; i < flat.length; i += SPAN) {
    signal?.throwIfAborted();
    await Promise.all(flat.slice(i, i + SPAN).map((each) => place(each, side, found)));
    progress(Math.min(flat.length, i + SPAN), flat.length);
  }
  const order = new Map(flat.map((each, i) => [each, i]));
  for (const list of [found.patches, found.fields]) list.sort((a, b) => order.get(a) - order.get(b));
  return found;
}

async function place(each, side, found) {
  try {
    Object.assign(each, await sizeOf(await each.open()));
  } catch (error) {
    found.errors.push({ path: each.path, reason: `cannot be read: ${error.message}` });
    return;
  }
  const large = each.width !== null && Math.max(each.width, each.height) > side;
  if (SLIDES.test(each.path) || large) found.fields.push(each);
  else if (!each.kind && each.bytes > MOST)
    found.errors.push({ path: each.path, reason: "no image that is known here" });
  else found.patches.push(each);
}

async function unzipped(each, several) {
  if (!/\.zip$/i.test(each.path)) return [each];
  const zip = await each.open().catch(() => null);
  const entries = zip && (await entriesOf(zip));
  if (!entries) return [{ ...each, packed: true }]; // the server says what is wrong with it, or reads it
  const above = several ? `${each.path.replace(/\.zip$/i, "")}/` : "";
  return entries.map((entry) => item(above + entry.path, entry.bytes, entry.open));
}

/* Give what came under one path a number from the second on. */
function named(items) {
  const taken = new Set();
  for (const each of items) {
    const dot = each.path.lastIndexOf(".");
    const [stem, suffix] = dot > 0 ? [each.path.slice(0, dot), each.path.slice(dot)] : [each.path, ""];
    for (let number = 2; taken.has(each.path); number++) each.path = `${stem} (${number})${suffix}`;
    taken.add(each.path);
  }
}
