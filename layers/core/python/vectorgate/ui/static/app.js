/** The frame of the page: sign-in, then the navigation and one view. */

import { get, key } from "./api.js";
import { html, useEffect, useState } from "./dom.js";
import { Notices } from "./notices.js";
import { SignIn } from "./signin.js";
import { useAddress, useTheme } from "./state.js";
import { ViewOf, viewsOf } from "./views.js";

/** @typedef {{role: "master" | "admin" | "team_admin", key_alias: string | null, team_id: string | null, expires: string | null, version: string, default_provider: string}} Session */

export function App() {
  const { theme, toggle } = useTheme();
  const [session, setSession] = useState(/** @type {Session | null} */ (null));
  const [asking, setAsking] = useState(key.get() !== null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const leave = (/** @type {CustomEvent} */ event) => {
      key.clear();
      setSession(null);
      setProblem(event.detail ?? "");
    };
    addEventListener("signed-out", leave);
    if (asking) get("admin/session").then(setSession, (error) => setProblem(error.message)).finally(() => setAsking(false));
    return () => removeEventListener("signed-out", leave);
  }, []);
  if (asking) return html`<p class="loading" role="status">Signing in…</p>`;
  const themeButton = html`<${ThemeButton} theme=${theme} toggle=${toggle} />`;
  if (session === null) return html`<${SignIn} problem=${problem} onSession=${setSession} themeButton=${themeButton} />`;
  return html`<${Frame} session=${session} themeButton=${themeButton} />`;
}

/** @param {{theme: string, toggle: () => void}} props */
function ThemeButton({ theme, toggle }) {
  const other = theme === "dark" ? "light" : "dark";
  return html`<button type="button" class="plain" onClick=${toggle} title="Use the ${other} theme" aria-label="Use the ${other} theme">
    ${theme === "dark" ? "☀" : "☾"}
  </button>`;
}

/** @param {{session: Session, themeButton: object}} props */
function Frame({ session, themeButton }) {
  const { view, query } = useAddress();
  const views = viewsOf(session);
  const current = views.find((each) => each.name === view) ?? views[0];
  useEffect(() => {
    document.title = `${current.title} – vectorgate`;
    document.querySelector("nav [aria-current]").scrollIntoView({ block: "nearest", inline: "center" });
    document.getElementById("content").focus({ preventScroll: true }); // where a screen reader goes on
  }, [current.name]);
  return html`
    <a class="skip" href="#content" onClick=${focusContent}>Skip to the content</a>
    <header class="top">
      <span class="brand"><img src=${new URL("icon.svg", import.meta.url).href} alt="" width="24" height="24" /> vectorgate</span>
      <span class="who">${describe(session)}</span>
      ${themeButton}
      <button type="button" class="plain" onClick=${signOut}>Sign out</button>
    </header>
    <nav aria-label="Views">
      ${views.map(
        (each) => html`<a key=${each.name} href=${`#/${each.name}`} aria-current=${each === current ? "page" : undefined}>${each.title}</a>`,
      )}
    </nav>
    <main id="content" tabindex="-1"><${ViewOf} key=${current.name} view=${current} session=${session} query=${query} /></main>
    <${Notices} />
  `;
}

/** @param {Session} session */
function describe(session) {
  if (session.role === "master") return "Master key";
  return session.role === "team_admin" ? `Administrator of team ${session.team_id}` : `Admin key ${session.key_alias ?? ""}`;
}

const signOut = () => dispatchEvent(new CustomEvent("signed-out"));

/** Move the focus without a change of the address, which names the view. @param {Event} event */
function focusContent(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}
