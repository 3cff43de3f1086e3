/** What was done, said at the bottom of the page and to screen readers. */

import { html, useEffect, useState } from "./dom.js";

const SHOWN = 5;
let last = 0;

/** @param {string} text @param {"done" | "failed"} [kind] */
export function say(text, kind = "done") {
  dispatchEvent(new CustomEvent("notice", { detail: { id: ++last, text, kind } }));
}

export function Notices() {
  const [notices, setNotices] = useState([]);
  useEffect(() => {
    const heard = (/** @type {CustomEvent} */ event) => setNotices((before) => [...before, event.detail].slice(-SHOWN));
    addEventListener("notice", heard);
    return () => removeEventListener("notice", heard);
  }, []);
  const dismiss = (id) => setNotices((before) => before.filter((each) => each.id !== id));
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.map(
      (each) => html`<div class="notice ${each.kind}" key=${each.id}>
        <span>${each.text}</span>
        <button type="button" class="plain" aria-label="Dismiss" onClick=${() => dismiss(each.id)}>✕</button>
      </div>`,
    )}
  </div>`;
}
