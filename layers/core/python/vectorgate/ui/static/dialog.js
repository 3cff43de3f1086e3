/** Dialogs: the browser's own, which keep the focus and close by Escape. */

import { html, useId, useLayoutEffect, useRef, useState } from "./dom.js";
import { say } from "./notices.js";

/** @param {{title: string, onClose: () => void, wide?: boolean, children?: unknown}} props */
export function Dialog({ title, onClose, wide, children }) {
  const place = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const name = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = place.current;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${place} aria-labelledby=${name} class=${wide ? "wide" : ""} onCancel=${cancel}>
    <div class="dialog-head">
      <h2 id=${name}>${title}</h2>
      <button type="button" class="plain" aria-label="Close" onClick=${onClose}>✕</button>
    </div>
    ${children}
  </dialog>`;
}

/**
 * A field of an action's form.
 * @typedef {{name: string, title: string, type?: string, value?: string, options?: (string | [string, string])[],
 *   required?: boolean, hint?: string, step?: string, min?: string}} Field
 */

/**
 * What an action is: the question, the form, and the call. `run` gets the form's values, and returns what was done, as a
 * sentence, or an element that stays until it is closed.
 * @typedef {{title: string, question: unknown, confirm: string, danger?: boolean, fields?: Field[],
 *   run: (values: Record<string, string>) => Promise<string | object>}} Action
 */

/** Ask for an action, do it, and say what was done. @param {{action: Action, onClose: () => void, onDone: () => void}} props */
export function ActionDialog({ action, onClose, onDone }) {
  const [failure, setFailure] = useState("");
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState(/** @type {object | null} */ (null));
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailure("");
    try {
      const done = await action.run(valuesOf(event.target));
      onDone();
      if (typeof done === "object") return setResult(done);
      say(done);
      onClose();
    } catch (error) {
      setFailure(error.message);
      setBusy(false);
    }
  };
  if (result !== null) {
    return html`<${Dialog} title=${action.title} onClose=${onClose}>
      ${result}
      <div class="row end"><button type="button" class="primary" onClick=${onClose}>Done</button></div>
    <//>`;
  }
  return html`<${Dialog} title=${action.title} onClose=${onClose}>
    <form onSubmit=${submit}>
      <div class="question">${action.question}</div>
      ${action.fields?.map((field) => html`<${FormField} key=${field.name} field=${field} />`)}
      <p role="alert" class="failure">${failure}</p>
      <div class="row end">
        <button type="button" onClick=${onClose}>Cancel</button>
        <button type="submit" class=${action.danger ? "danger" : "primary"} disabled=${busy}>${action.confirm}</button>
      </div>
    </form>
  <//>`;
}

/** @param {{field: Field}} props */
function FormField({ field }) {
  const name = useId();
  const hint = field.hint ? `${name}-hint` : undefined;
  const isList = field.type === "select"; // which always has a choice
  const shared = { id: name, name: field.name, required: field.required && !isList, "aria-describedby": hint };
  const options = field.options?.map((each) => (typeof each === "string" ? [each, each] : each));
  return html`<div class="field">
    <label for=${name}>${field.title}${field.required || isList ? "" : html` <span class="hint">(optional)</span>`}</label>
    ${isList
      ? html`<select ...${shared}>${options.map(([value, title]) => html`<option value=${value} selected=${value === field.value}>${title}</option>`)}</select>`
      : html`<input ...${shared} type=${field.type ?? "text"} defaultValue=${field.value ?? ""} step=${field.step} min=${field.min} list=${options && `${name}-list`} autocomplete="off" />`}
    ${options && !isList && html`<datalist id=${`${name}-list`}>${options.map(([value]) => html`<option value=${value} />`)}</datalist>`}
    ${hint && html`<p id=${hint} class="hint">${field.hint}</p>`}
  </div>`;
}

/** @param {HTMLFormElement} form */
const valuesOf = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));

/** The action that is asked for, with what opens and draws it. @param {() => void} onDone */
export function useAction(onDone) {
  const [action, ask] = useState(/** @type {Action | null} */ (null));
  const dialog = action && html`<${ActionDialog} key=${action.title} action=${action} onClose=${() => ask(null)} onDone=${onDone} />`;
  return { ask, dialog };
}
