/* The files of a zip, read in place: so its patches are sent some at a time, and their pictures are at hand. */

const END = 0x06054b50; // the record at a zip's end
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const TAIL = 65_557; // bytes in which the end record lies, its comment included
const [STORED, DEFLATED] = [0, 8];
const MOST = 64_000_000; // bytes of one file, unpacked; a patch has some 6,000

/* Return [{ path, bytes, open }] of the files in a zip; null where the server had better read it: encrypted, very large,
   damaged, or packed in a way that browsers do not unpack. */
export async function entriesOf(zip) {
  if (typeof DecompressionStream === "undefined") return null;
  try {
    return await listed(zip);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function listed(zip) {
  const from = Math.max(0, zip.size - TAIL);
  const tail = new DataView(await zip.slice(from).arrayBuffer());
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== END) end--;
  if (end < 0) return null;
  const [number, size, start] = [
    tail.getUint16(end + 10, true),
    tail.getUint32(end + 12, true),
    tail.getUint32(end + 16, true),
  ];
  if (number === 0xffff || size === 0xffffffff || start === 0xffffffff) return null;
  const view = new DataView(await zip.slice(start, start + size).arrayBuffer());
  const found = [];
  let i = 0;
  for (let n = 0; n < number; n++) {
    if (view.getUint32(i, true) !== ENTRY) return null;
    const [flags, method] = [view.getUint16(i + 8, true), view.getUint16(i + 10, true)];
    const [packed, plain] = [view.getUint32(i + 20, true), view.getUint32(i + 24, true)];
    const [name, extra, comment] = [28, 30, 32].map((place) => view.getUint16(i + place, true));
    const place = view.getUint32(i + 42, true);
    const path = new TextDecoder(flags & 0x800 ? "utf-8" : "latin1").decode(new Uint8Array(view.buffer, i + 46, name));
    if (
      flags & 1 ||
      ![STORED, DEFLATED].includes(method) ||
      packed === 0xffffffff ||
      place === 0xffffffff ||
      plain > MOST
    )
      return null;
    if (!path.endsWith("/"))
      found.push({ path, bytes: plain, open: () => unpacked(zip, place, packed, plain, method) });
    i += 46 + name + extra + comment;
  }
  return found;
}

async function unpacked(zip, place, packed, plain, method) {
  const head = new DataView(await zip.slice(place, place + 30).arrayBuffer());
  if (head.getUint32(0, true) !== LOCAL) throw new RangeError("the zip is damaged");
  const start = place + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const content = zip.slice(start, start + packed);
  if (method === STORED) return content;
  const parts = [];
  let came = 0;
  const reader = content.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    came += value.length;
    if (came > plain) throw new RangeError("the zip has more in a file than it states");
    parts.push(value);
  }
  if (came < plain) throw new RangeError("the zip has less in a file than it states");
  return new Blob(parts);
}
