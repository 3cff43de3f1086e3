/** The keys: which there are, what they spent, and what is done with them. */

import { blockKey, budgetKey, deleteKey, makeKey, rotateKey } from "../actions.js";
import { get } from "../api.js";
import { useAction } from "../dialog.js";
import { html } from "../dom.js";
import { day } from "../format.js";
import { Act, Badge, Budget, Code } from "../parts.js";
import { usePages } from "../state.js";
import { Table } from "../table.js";

const SIZE = 100;

async function load(page, signal) {
  const answer = await get("key/list", { return_full_object: true, size: SIZE, page: page ?? 1 }, signal);
  return { rows: answer.keys, next: answer.current_page < answer.total_pages ? answer.current_page + 1 : null };
}

function state(row) {
  if (row.blocked) return "blocked";
  return row.expires !== null && Date.parse(row.expires) <= Date.now() ? "expired" : "active";
}

const stateAndRole = (row) => `${state(row)} ${row.role ?? ""}`.trim();

const KINDS = { active: "good", expired: "plain", blocked: "bad" };

const COLUMNS = [
  { title: "Name", value: (row) => row.key_alias, show: (row) => row.key_alias ?? html`<${Code}>${row.token.slice(0, 12)}…<//>` },
  { title: "Team", value: (row) => row.team_id },
  { title: "User", value: (row) => row.user_id },
  { title: "State", value: stateAndRole, show: (row) => html`<${Badge} kind=${KINDS[state(row)]}>${state(row)}<//> ${row.role?.replace("_", " ")}` },
  { title: "Spent", value: (row) => row.spend, show: (row) => html`<${Budget} spend=${row.spend} max=${row.max_budget} />`, numeric: true },
  { title: "Made", value: (row) => row.created_at, show: (row) => day(row.created_at), fixed: true },
  { title: "Ends", value: (row) => row.expires, show: (row) => day(row.expires), fixed: true },
  { title: "Hash", value: (row) => row.token, show: (row) => html`<${Code}>${row.token.slice(0, 8)}<//>` },
];

export function View({ session }) {
  const { rows, error, loading, more, all, reload } = usePages(load, []);
  const { ask, dialog } = useAction(reload);
  const teams = [...new Set((rows ?? []).map((row) => row.team_id).filter(Boolean))].sort();
  const acts = (row) => {
    const name = row.key_alias ?? row.token.slice(0, 12);
    return html`
      <${Act} label="Set the budget of ${name}" onClick=${() => ask(budgetKey(row))}>Budget<//>
      <${Act} label="Rotate ${name}" onClick=${() => ask(rotateKey(row))}>Rotate<//>
      <${Act} label="${row.blocked ? "Unblock" : "Block"} ${name}" onClick=${() => ask(blockKey(row))}>${row.blocked ? "Unblock" : "Block"}<//>
      <${Act} label="Delete ${name}" danger onClick=${() => ask(deleteKey(row))}>Delete<//>
    `;
  };
  const tools = html`<button type="button" class="primary" onClick=${() => ask(makeKey(teams, session))}>Make a key</button>`;
  return html`
    <h1>Keys</h1>
    <${Table} title="Virtual keys" file="keys" columns=${COLUMNS} rows=${rows} id=${(row) => row.token} error=${error}
      loading=${loading} more=${more} all=${all} reload=${reload} actions=${acts} tools=${tools} empty="No keys yet." />
    ${dialog}
  `;
}
