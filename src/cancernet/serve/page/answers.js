/* The patches of this page and what the model said of them; parts of the page listen to `changed`. */

import { groupOf, predict } from "./batches.js";

const STOPPED = "not asked about: it was stopped";

/* rows: the answers, each with its `item`; errors: [{ path, reason }]; stains by patient or folder; notes: sentences. */
export const state = { rows: [], errors: [], stains: new Map(), notes: [], abstain: null, alone: false, busy: false };
export const changed = new EventTarget();

const items = new Map(); // by path
const rows = new Map();
const errors = new Map();
const notes = new Set();
let order = 0;
let cleared = 0; // times; what was asked before the last of them is of no interest any more

function tell() {
  state.rows = [...rows.values()].sort((a, b) => a.order - b.order);
  state.errors = [...errors].map(([path, reason]) => ({ path, reason }));
  state.notes = [...notes];
  changed.dispatchEvent(new Event("change"));
}

/* List files that cannot be used. */
export function refuse(refused) {
  for (const { path, reason } of refused) errors.set(path, reason);
  tell();
}

/* Add patches and ask about them. Those that are here already of the same folders are asked about again, together. */
export async function add(added, how) {
  for (const each of added) {
    if (items.has(each.path)) notes.add(`${each.path} took the place of one of the same path`);
    each.order = order++;
    items.set(each.path, each);
  }
  const groups = new Set(added.map((each) => groupOf(each.path)));
  await put(
    [...items.values()].filter((each) => groups.has(groupOf(each.path))),
    how,
  );
}

/* Ask about all of them again, as after a choice that the answers depend on. */
export async function again({ abstain, alone }, how) {
  Object.assign(state, { abstain, alone });
  if (items.size) await put([...items.values()], how);
}

export function clear() {
  cleared++;
  for (const each of [items, rows, errors, notes, state.stains]) each.clear();
  tell();
}

/* How many files are here, whatever became of them. */
export const size = () => items.size;

async function put(asked, { limits, signal, progress }) {
  for (const { path, packed } of asked) {
    for (const each of [rows, errors]) each.delete(path);
    if (packed) for (const inner of [...rows.keys()]) if (rows.get(inner).item?.path === path) rows.delete(inner);
  }
  const before = cleared;
  state.busy = true;
  tell();
  const waiting = new Set(asked);
  try {
    const came = (part, found, done) => {
      if (before !== cleared) return;
      take(part, found);
      for (const each of part) waiting.delete(each);
      progress(done, asked.length);
      tell();
    };
    const said = await predict(asked, { limits, signal, came, abstain: state.abstain, alone: state.alone });
    if (before === cleared) for (const each of said) notes.add(each);
  } finally {
    if (before === cleared) for (const { path } of waiting) errors.set(path, STOPPED);
    state.busy = false;
    tell();
  }
}

function take(part, found) {
  const packed = part.find((each) => each.packed);
  for (const row of found.patches) {
    const item = items.get(row.path) ?? packed ?? null;
    rows.set(row.path, { ...row, item, order: items.get(row.path)?.order ?? order++ });
    errors.delete(row.path);
  }
  for (const { path, reason } of found.errors) errors.set(path, reason);
  for (const each of found.stains) state.stains.set(each.group, each);
  for (const each of found.notes) notes.add(each);
}

/* What the stain of a patch's patient or folder is; nothing where none of it has tissue. */
export function stainOf({ path, patient }) {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  for (const group of [patient, folder, ".", "upload"])
    if (group && state.stains.has(group)) return state.stains.get(group);
  return null;
}
