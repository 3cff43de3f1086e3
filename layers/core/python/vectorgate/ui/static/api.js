/** Calls of the admin API with the key of this tab. */

/** The gateway's own address: two folders above the dashboard's files. */
const ROOT = new URL("../../", import.meta.url);
const STORED = "vectorgate.key";

/** An answer that is an error: the API's message, its status and its code. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where there was no answer
   * @param {string | null} code
   */
  constructor(message, status, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The key of this tab: it ends with the tab, and no other tab has it. */
export const key = {
  /** @returns {string | null} */
  get: () => sessionStorage.getItem(STORED),
  /** @param {string} secret */
  set: (secret) => sessionStorage.setItem(STORED, secret),
  clear: () => sessionStorage.removeItem(STORED),
};

/**
 * One call; its JSON document. ApiError for any other answer, and for none.
 * @param {string} method
 * @param {string} path such as `key/list`
 * @param {{query?: Record<string, unknown>, body?: object, signal?: AbortSignal}} [options] absent parameters are left out
 * @returns {Promise<any>}
 */
export async function call(method, path, { query = {}, body, signal } = {}) {
  const answer = await sent(method, addressed(path, query), body, signal);
  const document = await answer.json().catch(() => null);
  if (answer.ok) return document;
  const error = document?.error ?? {};
  if (answer.status === 401) dispatchEvent(new CustomEvent("signed-out", { detail: error.message }));
  throw new ApiError(error.message ?? `The gateway answered ${answer.status}.`, answer.status, error.code ?? null);
}

/** @param {string} path @param {Record<string, unknown>} [query] @param {AbortSignal} [signal] */
export const get = (path, query, signal) => call("GET", path, { query, signal });

/** @param {string} path @param {object} body */
export const post = (path, body) => call("POST", path, { body });

/** @param {string} path @param {Record<string, unknown>} query */
function addressed(path, query) {
  const address = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
  }
  return address;
}

/** @param {string} method @param {URL} address @param {object | undefined} body @param {AbortSignal} [signal] */
async function sent(method, address, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { authorization: `Bearer ${key.get() ?? ""}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const content = body === undefined ? undefined : JSON.stringify(body);
  try {
    return await fetch(address, { method, headers, body: content, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("The gateway cannot be reached.", 0, null);
  }
}
