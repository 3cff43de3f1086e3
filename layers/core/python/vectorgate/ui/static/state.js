/** Hooks that the views share: what is loaded, where the page is, and the theme. */

import { useCallback, useEffect, useRef, useState } from "./dom.js";

/** How many rows a table loads, at most, to search and sort a list that comes in pages. */
export const MOST_ROWS = 5000;

/**
 * Load once, and again when `inputs` change or `reload` is called. What was loaded stays until its successor is there.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} inputs
 * @returns {{data: T | null, error: Error | null, loading: boolean, reload: () => void}}
 */
export function useLoaded(load, inputs) {
  const [found, setFound] = useState({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    setFound((before) => ({ ...before, loading: true }));
    load(controller.signal).then(
      (data) => controller.signal.aborted || setFound({ data, error: null, loading: false }),
      (error) => controller.signal.aborted || setFound((before) => ({ ...before, error, loading: false })),
    );
    return () => controller.abort();
  }, [...inputs, turn]);
  return { ...found, reload: useCallback(() => setTurn((before) => before + 1), []) };
}

/**
 * A list that comes in pages: the rows so far, and where there is a next page `more`, which loads it, and `all`, which
 * loads every page, up to MOST_ROWS.
 * @param {(cursor: string | number | null, signal: AbortSignal) => Promise<{rows: object[], next: string | number | null}>} load
 * @param {unknown[]} inputs
 */
export function usePages(load, inputs) {
  const first = useLoaded((signal) => load(null, signal), inputs);
  const [kept, setKept] = useState({ of: null, rows: [], next: null });
  const [error, setError] = useState(null);
  const [loading, setLoading] = useState(false);
  const reading = useRef(new AbortController());
  useEffect(() => {
    setError(null);
    setLoading(false);
    const controller = new AbortController();
    reading.current = controller;
    return () => controller.abort();
  }, [first.data]);
  const now = kept.of === first.data ? kept : { of: first.data, rows: first.data?.rows ?? [], next: first.data?.next ?? null };
  /** Load pages until there are so many rows. A list that is loaded again meanwhile stops it. */
  const until = async (most) => {
    const { signal } = reading.current;
    setLoading(true);
    try {
      for (let at = now; at.next !== null && at.rows.length < most; ) {
        const page = await load(at.next, signal);
        if (signal.aborted) return;
        at = { of: at.of, rows: [...at.rows, ...page.rows], next: page.next };
        setKept(at);
      }
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    } finally {
      if (!signal.aborted) setLoading(false);
    }
  };
  const more = now.next === null ? null : () => until(now.rows.length + 1);
  const all = now.next === null || loading ? null : () => until(MOST_ROWS);
  return { rows: first.data && now.rows, error: first.error ?? error, loading: first.loading || loading, more, all, reload: first.reload };
}

/** The view and its parameters in the address: `#/log?team_id=red`. */
export function useAddress() {
  const [address, setAddress] = useState(addressOf);
  useEffect(() => {
    const moved = () => setAddress(addressOf());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return address;
}

function addressOf() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { view: path, query: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

/** @param {string} view @param {Record<string, string>} [query] */
export function addressTo(view, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value);
  return `#/${view}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
}

const THEME = "vectorgate.theme";

/** The theme that is shown, and what shows the other one. Without a choice it is the system's. */
export function useTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [theme, setTheme] = useState(localStorage.getItem(THEME) ?? (system.matches ? "dark" : "light"));
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("theme"));
  }, [theme]);
  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    localStorage.setItem(THEME, other);
    setTheme(other);
  };
  return { theme, toggle };
}
