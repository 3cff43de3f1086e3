/** Hooks that the views share: what is loaded, where the page is, and the theme. */

import { useCallback, useEffect, useState } from "./dom.js";

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
 * A list that comes in pages: the rows so far, and `more` where there is a next page.
 * @param {(cursor: string | number | null, signal: AbortSignal) => Promise<{rows: object[], next: string | number | null}>} load
 * @param {unknown[]} inputs
 */
export function usePages(load, inputs) {
  const [pages, setPages] = useState(/** @type {object[]} */ ([]));
  const [cursor, setCursor] = useState(null);
  const first = useLoaded((signal) => load(null, signal), inputs);
  const [error, setError] = useState(null);
  const [loading, setLoading] = useState(false);
  useEffect(() => {
    setPages(first.data?.rows ?? []);
    setCursor(first.data?.next ?? null);
    setError(null);
  }, [first.data]);
  const next = async () => {
    setLoading(true);
    try {
      const page = await load(cursor, new AbortController().signal);
      setPages((before) => [...before, ...page.rows]);
      setCursor(page.next);
    } catch (failure) {
      setError(failure);
    } finally {
      setLoading(false);
    }
  };
  const rows = first.data && pages;
  const more = cursor === null ? null : next;
  return { rows, error: first.error ?? error, loading: first.loading || loading, more, reload: first.reload };
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
