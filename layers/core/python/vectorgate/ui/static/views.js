/** The views, each loaded when it is first shown. */

import { html, useEffect, useState } from "./dom.js";

/** @typedef {{name: string, title: string, load: () => Promise<{View: Function}>, teams?: boolean}} View */

/** `teams`: a team admin's key may see it, too. @type {View[]} */
const VIEWS = [
  { name: "overview", title: "Overview", load: () => import("./views/overview.js"), teams: true },
  { name: "keys", title: "Keys", load: () => import("./views/keys.js"), teams: true },
  { name: "teams", title: "Teams", load: () => import("./views/teams.js"), teams: true },
  { name: "customers", title: "End users", load: () => import("./views/customers.js") },
  { name: "stores", title: "Stores", load: () => import("./views/stores.js") },
  { name: "log", title: "Requests", load: () => import("./views/log.js"), teams: true },
  { name: "operations", title: "Operations", load: () => import("./views/operations.js") },
  { name: "audit", title: "Audit", load: () => import("./views/audit.js") },
];

/** @param {import("./app.js").Session} session */
export const viewsOf = (session) => VIEWS.filter((view) => session.role !== "team_admin" || view.teams);

/** @param {{view: View, session: object, query: Record<string, string>}} props */
export function ViewOf({ view, session, query }) {
  const [shown, setShown] = useState(/** @type {{View: Function} | null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    view.load().then(setShown, () => setFailed(true));
  }, []);
  if (failed) return html`<p role="alert" class="failure">This part of the dashboard cannot be loaded: reload the page.</p>`;
  return shown === null ? html`<p class="loading" role="status">Loading…</p>` : html`<${shown.View} session=${session} query=${query} />`;
}
