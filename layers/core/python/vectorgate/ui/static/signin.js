/** The sign-in: a key, checked by one call. */

import { get, key } from "./api.js";
import { html, useState } from "./dom.js";

/** @param {{problem: string, onSession: (session: object) => void, themeButton: object}} props */
export function SignIn({ problem, onSession, themeButton }) {
  const [failure, setFailure] = useState(problem);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const secret = new FormData(event.target).get("key")?.toString().trim();
    setBusy(true);
    setFailure("");
    try {
      key.set(secret);
      onSession(await get("admin/session"));
    } catch (error) {
      key.clear();
      setFailure(error.message);
      setBusy(false);
    }
  };
  return html`<main class="signin" id="content">
    <form onSubmit=${submit}>
      <h1><img src=${new URL("icon.svg", import.meta.url).href} alt="" width="32" height="32" /> vectorgate</h1>
      <label for="key">Master key or admin key</label>
      <input id="key" name="key" type="password" required maxlength="512" autocomplete="current-password" spellcheck="false"
        aria-describedby="key-hint" aria-invalid=${failure ? "true" : undefined} />
      <p id="key-hint" class="hint">It is kept in this tab, until you close it or sign out.</p>
      <p role="alert" class="failure">${failure}</p>
      <div class="row"><button type="submit" class="primary" disabled=${busy}>Sign in</button>${themeButton}</div>
    </form>
  </main>`;
}
