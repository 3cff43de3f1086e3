/** The teams, with their budgets and spend. */

import { blockTeam, budgetTeam, makeTeam } from "../actions.js";
import { get } from "../api.js";
import { useAction } from "../dialog.js";
import { html } from "../dom.js";
import { day, number } from "../format.js";
import { Act, Badge, Budget } from "../parts.js";
import { useLoaded } from "../state.js";
import { Table } from "../table.js";

const COLUMNS = [
  { title: "Team", value: (row) => row.team_id },
  { title: "Name", value: (row) => row.team_alias },
  { title: "State", value: (row) => (row.blocked ? "blocked" : "active"), show: (row) => html`<${Badge} kind=${row.blocked ? "bad" : "good"}>${row.blocked ? "blocked" : "active"}<//>` },
  { title: "Spent", value: (row) => row.spend, show: (row) => html`<${Budget} spend=${row.spend} max=${row.max_budget} />`, numeric: true },
  { title: "Period", value: (row) => row.budget_duration },
  { title: "Starts again", value: (row) => row.budget_reset_at, show: (row) => day(row.budget_reset_at), fixed: true },
  { title: "Requests a minute", value: (row) => row.rpm_limit, show: (row) => number(row.rpm_limit), numeric: true },
];

export function View({ session }) {
  const { data, error, loading, reload } = useLoaded((signal) => get("team/list", {}, signal), []);
  const { ask, dialog } = useAction(reload);
  const manages = session.role !== "team_admin";
  const acts = (row) => html`
    <${Act} label="Set the budget of ${row.team_id}" onClick=${() => ask(budgetTeam(row))}>Budget<//>
    <${Act} label="${row.blocked ? "Unblock" : "Block"} ${row.team_id}" onClick=${() => ask(blockTeam(row))}>${row.blocked ? "Unblock" : "Block"}<//>
  `;
  const tools = manages && html`<button type="button" class="primary" onClick=${() => ask(makeTeam())}>Make a team</button>`;
  return html`
    <h1>Teams</h1>
    <${Table} title="All teams" file="teams" columns=${COLUMNS} rows=${data} id=${(row) => row.team_id} error=${error} loading=${loading}
      reload=${reload} actions=${manages ? acts : undefined} tools=${tools} empty="No teams yet." />
    ${dialog}
  `;
}
