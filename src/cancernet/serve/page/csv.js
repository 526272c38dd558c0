/* predictions.csv, as `cancernet predict` writes it: the same columns, six digits, and no cell that a spreadsheet runs. */

export const COLUMNS = ["path", "patient", "x", "y", "probability", "decision", "reason", "alone"];

const FORMULA = /^'*[=+\-@\t\r]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const DIGITS = 6;
const LEAST = 1e-4; // below it, numbers are written with an exponent

/* The text of a cell with an apostrophe before a formula. */
export function defused(text) {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : digits(value);
  const text = defused(String(value));
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function digits(value) {
  const short = Number(value.toPrecision(DIGITS));
  if (short !== 0 && Math.abs(short) < LEAST) return short.toExponential().replace(/e-(\d)$/, "e-0$1");
  return String(short);
}

/* Rows (objects) under the names of columns, lines ended as the command line ends them. */
export function csv(columns, rows) {
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))]
    .map((row) => `${row.map(cell).join(",")}\n`)
    .join("");
}
