/** Values as people read them. Pure. Times are UTC, as in the records. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DAY_S = 86_400;
export const NONE = "–";

/**
 * Dollars: cents from one cent on, below it as many decimals as there are (at most the nine of a nano-dollar).
 * @param {number | null | undefined} usd
 */
export function dollars(usd) {
  if (usd === null || usd === undefined) return NONE;
  const small = usd !== 0 && Math.abs(usd) < 0.01;
  const digits = small ? { minimumFractionDigits: 2, maximumFractionDigits: 9 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return usd.toLocaleString("en-US", { style: "currency", currency: "USD", ...digits });
}

/** Dollars to the cent. @param {number | null | undefined} usd */
export const cents = (usd) => (usd > 0 && usd < 0.01 ? "<$0.01" : dollars(usd));

/** @param {number | null | undefined} count */
export const number = (count) => (count === null || count === undefined ? NONE : count.toLocaleString("en-US"));

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return NONE;
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${value.toLocaleString("en-US", { maximumFractionDigits: power === 0 || value >= 100 ? 0 : 1 })} ${UNITS[power]}`;
}

/** @param {number | null | undefined} milliseconds */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return NONE;
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** The day of a moment. @param {string | number | null | undefined} moment ISO text or Unix seconds */
export const day = (moment) => dateOf(moment)?.toISOString().slice(0, 10) ?? NONE;

/** A moment, to the minute. @param {string | number | null | undefined} moment ISO text or Unix seconds */
export function moment(moment) {
  const date = dateOf(moment);
  return date === null ? NONE : date.toISOString().slice(0, 16).replace("T", " ");
}

/** A moment, to the millisecond. @param {string | number | null | undefined} moment */
export function exactMoment(moment) {
  const date = dateOf(moment);
  return date === null ? NONE : date.toISOString().replace("T", " ").replace("Z", " UTC");
}

/** How long ago. @param {number} seconds */
export function age(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 2 * DAY_S ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / DAY_S)} days`;
}

/** @param {string | number | null | undefined} moment */
function dateOf(moment) {
  if (moment === null || moment === undefined || moment === "") return null;
  const date = new Date(typeof moment === "number" ? moment * 1000 : moment);
  return Number.isNaN(date.valueOf()) ? null : date;
}

/** A long id, by its beginning. @param {string | null | undefined} id */
export const shortened = (id) => (id ? (id.length > 20 ? `${id.slice(0, 12)}…` : id) : NONE);
