/* What the server is asked: errors are its problem documents, a busy server is asked again, a token is asked for once. */

const PREFIX = "urn:cancernet:problem:";
const TRIES = 30; // of a request that a busy server put off
const LONGEST_S = 10; // that it is waited for between two of them

/* An answer that is an error; `told` is its problem document, `kind` the kind of that, "unreachable" where none came. */
export class Refusal extends Error {
  constructor(kind, detail, { status = 0, retry = 0, told = {} } = {}) {
    super(detail);
    Object.assign(this, { kind, status, retry, told });
  }
}

let unlock = null; // asks for the token; settles when the server took one

export function whenLocked(asks) {
  unlock = asks;
}

function waiting(seconds, signal) {
  return new Promise((done, failed) => {
    const timer = setTimeout(done, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason);
    });
  });
}

async function refusal(answer) {
  const retry = Number(answer.headers.get("retry-after")) || 0;
  try {
    const told = await answer.json();
    const kind = String(told.type ?? "").replace(PREFIX, "");
    const { detail, title } = told;
    return new Refusal(kind, detail || title || answer.statusText, { status: answer.status, retry, told });
  } catch {
    return new Refusal("broken", `the server answered ${answer.status} ${answer.statusText}`, {
      status: answer.status,
      retry,
    });
  }
}

async function once(path, { method = "GET", query = {}, json, form, headers = {}, signal }) {
  const said = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = said.length ? `?${new URLSearchParams(said)}` : "";
  const body = form ?? (json === undefined ? undefined : JSON.stringify(json));
  const sent = json === undefined ? headers : { ...headers, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path + search, { method, body, headers: sent, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal(
      "unreachable",
      "the server cannot be reached; is it still running? A file that changed since it was chosen cannot be sent either",
    );
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/* Ask, and return the response. Throws Refusal, or what the signal was aborted with. */
export async function ask(path, options = {}) {
  for (let left = TRIES; ; left--) {
    try {
      return await once(path, options);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.kind === "unauthorized" && unlock && !options.open) await unlock();
      else if (error.kind === "busy" && left > 0) await waiting(Math.min(error.retry || 1, LONGEST_S), options.signal);
      else throw error;
    }
  }
}

export async function askJson(path, options = {}) {
  return (await ask(path, options)).json();
}

/* The same, and null where the server has no such thing. */
export async function askIfAny(path, options = {}) {
  try {
    return await askJson(path, options);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}
