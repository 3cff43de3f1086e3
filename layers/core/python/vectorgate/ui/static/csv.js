/** Tables as CSV files (RFC 4180). */

/** What a spreadsheet would read as a formula. */
const FORMULA = /^\s*[=+\-@＝＋－＠]/;
const NUMBER = /^-?[0-9.]+(e-?[0-9]+)?$/;

/** @param {unknown} value */
export function field(value) {
  const text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {string[]} titles @param {unknown[][]} rows */
export const csv = (titles, rows) => [titles, ...rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";

/** Offer a text as a file. @param {string} name @param {string} text */
export function download(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
