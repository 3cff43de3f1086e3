/** The end users who have a budget. */

import { blockCustomer, budgetCustomer, makeCustomer } from "../actions.js";
import { get } from "../api.js";
import { useAction } from "../dialog.js";
import { html } from "../dom.js";
import { day } from "../format.js";
import { Act, Badge, Budget } from "../parts.js";
import { useLoaded } from "../state.js";
import { Table } from "../table.js";

const COLUMNS = [
  { title: "End user", value: (row) => row.user_id },
  { title: "Name", value: (row) => row.alias },
  { title: "State", value: (row) => (row.blocked ? "blocked" : "active"), show: (row) => html`<${Badge} kind=${row.blocked ? "bad" : "good"}>${row.blocked ? "blocked" : "active"}<//>` },
  { title: "Spent", value: (row) => row.spend, show: (row) => html`<${Budget} spend=${row.spend} max=${row.max_budget} />`, numeric: true },
  { title: "Period", value: (row) => row.budget_duration },
  { title: "Starts again", value: (row) => row.budget_reset_at, show: (row) => day(row.budget_reset_at), fixed: true },
];

export function View() {
  const { data, error, loading, reload } = useLoaded((signal) => get("customer/list", {}, signal), []);
  const { ask, dialog } = useAction(reload);
  const acts = (row) => html`
    <${Act} label="Set the budget of ${row.user_id}" onClick=${() => ask(budgetCustomer(row))}>Budget<//>
    <${Act} label="${row.blocked ? "Unblock" : "Block"} ${row.user_id}" onClick=${() => ask(blockCustomer(row))}>${row.blocked ? "Unblock" : "Block"}<//>
  `;
  const tools = html`<button type="button" class="primary" onClick=${() => ask(makeCustomer())}>Set a budget</button>`;
  return html`
    <h1>End users</h1>
    <${Table} title="End users with a budget" file="end-users" columns=${COLUMNS} rows=${data} id=${(row) => row.user_id} error=${error}
      loading=${loading} reload=${reload} actions=${acts} tools=${tools} empty="No end user has a budget." />
    ${dialog}
  `;
}
