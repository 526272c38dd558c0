/* Patches sent some at a time, and their answers put together.

   The stain of a patient or folder, and what lies around a patch, are known to the server only among patches that came
   together; so those of one patient or folder go in one request, as far as it takes them, and where not it is said. */

import { askJson, Refusal } from "./api.js";
import { count } from "./dom.js";

const AIM = 400; // patches of a request where no patient has more: an answer each second or so
const PART = 1_000; // bytes that a form has around a file, at most
const ROOM = 0.95; // of the bytes that a request may have

const NAMED = /^(.+)_idx\d+_x\d{1,9}_y\d{1,9}(?:_class[01])?$/i;
const BREAKHIS = /^SOB_[BM]_[A-Z]+[-_](\d+-\d+[A-Z]*)(?:[-_].*)?$/i;
const TCGA = /(?<![A-Z0-9])TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(?![A-Z0-9])/gi;

/* Whose a patch is, or the folder it lies in: what the server judges together (data/names.py). */
export function groupOf(path) {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const stem = name.replace(/\.[^.]*$/, "") || name;
  const whose = NAMED.exec(stem)?.[1] ?? stem;
  const known = BREAKHIS.exec(whose)?.[1] ?? [...new Set(whose.toUpperCase().match(TCGA) ?? [])].join();
  return known || (NAMED.test(stem) ? whose : path.slice(0, Math.max(0, slash)));
}

/* Divide patches into requests: [{ items, bytes }], and the notes on groups that had to be divided. */
export function batchesOf(items, limits) {
  const groups = new Map();
  for (const each of items) {
    const group = each.packed ? `${each.path}\0zip` : groupOf(each.path);
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(each);
  }
  const room = ROOM * limits.body_bytes;
  const [batches, notes] = [[], []];
  let open = null;
  for (const [group, members] of groups) {
    const parts = divided(members, Math.min(limits.files, limits.patches), room);
    if (parts.length > 1) {
      const whose = group || "those without a folder";
      notes.push(
        `${whose}: ${count(members.length, "patch", "patches")} are more than one request takes; they were judged in ${parts.length} parts, stain and surroundings in each by itself`,
      );
    }
    for (const part of parts) {
      if (open && open.items.length + part.items.length <= AIM && open.bytes + part.bytes <= room) {
        open.items.push(...part.items);
        open.bytes += part.bytes;
      } else batches.push((open = part));
    }
  }
  return { batches, notes };
}

function divided(members, most, room) {
  const parts = [];
  for (const each of members) {
    const size = each.bytes + PART;
    const last = parts.at(-1);
    if (last && last.items.length < most && last.bytes + size <= room) {
      last.items.push(each);
      last.bytes += size;
    } else parts.push({ items: [each], bytes: size });
  }
  return parts;
}

/* Ask about patches. `came(part, done)` gets the answers of each request as they come; what went wrong with one is an
   error of each of its files, except that an abort is thrown. */
export async function predict(items, { limits, abstain, alone, signal, came }) {
  const { batches, notes } = batchesOf(items, limits);
  let done = 0;
  for (const batch of batches) {
    const found = await asked(batch, { limits, abstain, alone, signal });
    done += batch.items.length;
    came(batch.items, found, done);
  }
  return notes;
}

async function asked(batch, { limits, abstain, alone, signal }) {
  const none = { patches: [], errors: [], stains: [], notes: [] };
  if (batch.bytes > limits.body_bytes) {
    const reason = `more than the ${Math.round(limits.body_bytes / 1e6)} MB that a request may have`;
    return { ...none, errors: batch.items.map(({ path }) => ({ path, reason })) };
  }
  const form = new FormData();
  const lost = [];
  for (const each of batch.items) {
    try {
      form.append("files", await each.open(), each.path);
    } catch (error) {
      lost.push({ path: each.path, reason: `cannot be read: ${error.message}` });
    }
  }
  if (lost.length === batch.items.length) return { ...none, errors: lost };
  try {
    const found = await askJson("/v1/predict", {
      method: "POST",
      form,
      query: { abstain, alone: alone || null },
      signal,
    });
    return accounted(batch.items, { ...found, errors: [...lost, ...found.errors] });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const told = new Map((error.told.refused ?? []).map(({ path, reason }) => [path, reason]));
    return { ...none, errors: batch.items.map(({ path }) => ({ path, reason: told.get(path) ?? error.message })) };
  }
}

/* See that no file was passed over in silence. */
function accounted(items, found) {
  const seen = new Set([...found.patches, ...found.errors].map(({ path }) => path));
  const silent = items.filter((each) => !each.packed && !seen.has(each.path));
  const reason = "the server gave no answer on it";
  return { ...found, errors: [...found.errors, ...silent.map(({ path }) => ({ path, reason }))] };
}
