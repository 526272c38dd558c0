/* How many px an image has, from the first bytes of its file: nothing is decoded, so ten thousand are looked at soon. */

const HEAD = 65_536; // bytes read of a file; a JPEG may have that much before its size
const ENTRIES = 400; // of a TIFF's directory
const [WIDTH, HEIGHT] = [256, 257]; // TIFF tags

/* Return { kind, width, height }; kind is "" for what is no image that is known, and the size null where it is not told. */
export async function sizeOf(blob) {
  const head = new DataView(await blob.slice(0, HEAD).arrayBuffer());
  const at = (i) => (i < head.byteLength ? head.getUint8(i) : 0);
  const is = (start, ...codes) => codes.every((code, i) => at(start + i) === code);
  try {
    if (is(0, 0x89, 0x50, 0x4e, 0x47) && is(12, 0x49, 0x48, 0x44, 0x52))
      return { kind: "png", width: head.getUint32(16), height: head.getUint32(20) };
    if (is(0, 0xff, 0xd8)) return jpeg(head);
    if (is(0, 0x49, 0x49) || is(0, 0x4d, 0x4d)) return await tiff(blob, head);
    if (is(0, 0x42, 0x4d))
      return { kind: "bmp", width: head.getUint32(18, true), height: Math.abs(head.getInt32(22, true)) };
    if (is(0, 0x50, 0x4b)) return { kind: "zip", width: null, height: null };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a file that ends too soon; the server says so
  }
  return { kind: "", width: null, height: null };
}

function jpeg(head) {
  for (let i = 2; i + 9 < head.byteLength;) {
    const marker = head.getUint8(i + 1);
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (head.getUint8(i) !== 0xff) break;
    if (frame) return { kind: "jpeg", width: head.getUint16(i + 7), height: head.getUint16(i + 5) };
    i += marker === 0xff ? 1 : 2 + head.getUint16(i + 2);
  }
  return { kind: "jpeg", width: null, height: null };
}

/* The first picture of a TIFF, classic or big. */
async function tiff(blob, head) {
  const little = head.getUint8(0) === 0x49;
  const version = head.getUint16(2, little);
  const big = version === 43;
  if (!big && version !== 42) return { kind: "", width: null, height: null };
  const long = (view, i) => (big ? Number(view.getBigUint64(i, little)) : view.getUint32(i, little));
  const start = long(head, big ? 8 : 4);
  const [counted, step] = big ? [8, 20] : [2, 12];
  const view = new DataView(await blob.slice(start, start + counted + ENTRIES * step).arrayBuffer());
  const entries = big ? long(view, 0) : view.getUint16(0, little);
  const found = { kind: "tiff", width: null, height: null };
  for (let n = 0; n < Math.min(entries, ENTRIES); n++) {
    const i = counted + n * step;
    const tag = view.getUint16(i, little);
    const short = view.getUint16(i + 2, little) === 3;
    const value = i + (big ? 12 : 8);
    if (tag === WIDTH) found.width = short ? view.getUint16(value, little) : view.getUint32(value, little);
    if (tag === HEIGHT) found.height = short ? view.getUint16(value, little) : view.getUint32(value, little);
  }
  return found;
}
