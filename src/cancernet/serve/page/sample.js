/* A random sample that a seed states: the same patches and the same seed give the same sample, in any browser. */

/* Numbers in [0, 1) from a whole number (Mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/* Return `size` rows in the order they were drawn; how they came to the page makes no difference. */
export function sampled(rows, size, seed) {
  const pool = [...rows].sort((a, b) => (a.path < b.path ? -1 : 1));
  const next = random(seed);
  const number = Math.min(pool.length, Math.max(0, Math.floor(size) || 0));
  for (let i = 0; i < number; i++) {
    const j = i + Math.floor(next() * (pool.length - i));
    [pool[i], pool[j]] = [pool[j], pool[i]];
  }
  return pool.slice(0, number);
}
