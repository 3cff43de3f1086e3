/** The vector stores of all teams: who owns them, what they cost, and which of them are idle. */

import { get } from "../api.js";
import { Dialog, useAction } from "../dialog.js";
import { html, useState } from "../dom.js";
import { cents, day, dollars, exactMoment, number, size } from "../format.js";
import { say } from "../notices.js";
import { Act, Badge, Code, Facts } from "../parts.js";
import { useLoaded, usePages } from "../state.js";
import { adoptStores, deleteStore, named, shareStore } from "../store-actions.js";
import { Table } from "../table.js";

/** Days without a use after which a store that costs something stands out. */
const IDLE_DAYS = 30;
const IDLE = [["", "Used at any time"], ["7", "Idle for 7 days"], ["30", "Idle for 30 days"], ["90", "Idle for 90 days"]];
const PROVIDERS = ["openai", "azure"];

const isWaste = (store) => store.idle_days >= IDLE_DAYS && store.cost_per_day_nano_usd > 0;

/** The files by their state, those that there are. */
function files(store) {
  const counts = Object.entries(store.file_counts ?? {}).filter(([state, count]) => state !== "total" && count > 0);
  return counts.map(([state, count]) => `${number(count)} ${state.replace("_", " ")}`).join(", ");
}

function state(store) {
  const kind = { completed: "good", expired: "bad", in_progress: "warn" }[store.status] ?? "plain";
  return html`<${Badge} kind=${kind}>${(store.status ?? "unknown").replace("_", " ")}<//>`;
}

function lastUse(store) {
  if (isWaste(store)) return html`<${Badge} kind="warn">idle ${number(store.idle_days)} days<//>`;
  return store.idle_days === 0 ? "today" : `${number(store.idle_days)} ${store.idle_days === 1 ? "day" : "days"} ago`;
}

const COLUMNS = [
  { title: "Store", value: (row) => `${row.name ?? ""} ${row.id}`.trim(), show: (row) => html`<span class="pair"><span>${row.name}</span><${Code}>${row.id.slice(0, 14)}…<//></span>` },
  { title: "Team", value: (row) => row.team_id },
  { title: "State", value: (row) => row.status, show: state },
  { title: "Files", value: files },
  { title: "Size", value: (row) => row.bytes, show: (row) => size(row.bytes), numeric: true, fixed: true },
  { title: "A day", value: (row) => row.cost_per_day, show: (row) => cents(row.cost_per_day), numeric: true },
  { title: "Last used", value: (row) => row.idle_days, show: lastUse, fixed: true },
  { title: "Expires", value: (row) => row.expires_at, show: (row) => day(row.expires_at), fixed: true },
];

export function View({ session }) {
  const [provider, setProvider] = useState(session.default_provider);
  const [idleDays, setIdleDays] = useState("");
  const load = async (cursor, signal) => {
    const answer = await get("admin/vector_stores", { limit: 500, provider, idle_days: idleDays || null, cursor }, signal);
    return { rows: answer.data, next: answer.next_cursor };
  };
  const { rows, error, loading, more, all, reload } = usePages(load, [provider, idleDays]);
  const { ask, dialog } = useAction(reload);
  const [shown, show] = useState(null);
  const teams = [...new Set((rows ?? []).map((row) => row.team_id).filter(Boolean))].sort();
  const adopt = async () => {
    const action = await adoptStores(provider, teams).catch((failure) => say(failure.message, "failed"));
    if (action === null) say("Every store of the provider has an owner.");
    else if (action) ask(action);
  };
  const acts = (row) => html`
    <${Act} label="Show ${named(row)}" onClick=${() => show(row)}>Show<//>
    <${Act} label="Share ${named(row)}" onClick=${() => ask(shareStore(row, teams))}>Share<//>
    <${Act} label="Delete ${named(row)}" danger onClick=${() => ask(deleteStore(row, provider))}>Delete<//>
  `;
  const wasted = (rows ?? []).filter(isWaste);
  const hint = wasted.length > 0 ? `${wasted.length} idle ${wasted.length === 1 ? "store costs" : "stores cost"} ${dollars(sum(wasted))} a day.` : undefined;
  return html`
    <h1>Vector stores</h1>
    <${Table} title="Stores of all teams" file="vector-stores" columns=${COLUMNS} rows=${rows} id=${(row) => row.id} error=${error}
      loading=${loading} more=${more} all=${all} reload=${reload} actions=${acts} mark=${(row) => (isWaste(row) ? "idle" : "")} hint=${hint}
      tools=${html`<${Tools} provider=${provider} setProvider=${setProvider} idleDays=${idleDays} setIdleDays=${setIdleDays} adopt=${adopt} />`}
      empty="No store that matches. A new one is listed once the meter has seen it." />
    ${dialog}
    ${shown && html`<${Details} store=${shown} provider=${provider} onClose=${() => show(null)} />`}
  `;
}

const sum = (stores) => stores.reduce((total, store) => total + store.cost_per_day, 0);

function Tools({ provider, setProvider, idleDays, setIdleDays, adopt }) {
  const providers = PROVIDERS.includes(provider) ? PROVIDERS : [...PROVIDERS, provider];
  return html`
    <button type="button" class="primary" onClick=${adopt}>Adopt stores</button>
    <select aria-label="Provider" value=${provider} onChange=${(event) => setProvider(event.target.value)}>
      ${providers.map((each) => html`<option value=${each}>${each}</option>`)}
    </select>
    <select aria-label="Use" value=${idleDays} onChange=${(event) => setIdleDays(event.target.value)}>
      ${IDLE.map(([value, title]) => html`<option value=${value}>${title}</option>`)}
    </select>
  `;
}

/** One store, as its provider describes it now, with its shares. */
function Details({ store, provider, onClose }) {
  const load = (signal) => get(`admin/vector_stores/${encodeURIComponent(store.id)}`, { provider }, signal);
  const { data, error } = useLoaded(load, [store.id]);
  return html`<${Dialog} title=${named(store)} onClose=${onClose} wide>
    ${error && html`<p role="alert" class="failure">${error.message}</p>`}
    ${data === null && error === null && html`<p role="status">Loading…</p>`}
    ${data && html`<${Facts} facts=${factsOf(data)} />`}
  <//>`;
}

const factsOf = (store) => [
  ["Id", store.id],
  ["Team", store.team_id],
  ["Made by the key", store.api_key && html`<a href=${`#/log?api_key=${store.api_key}`}>${store.api_key}</a>`],
  ["End user", store.end_user],
  ["Provider", store.provider],
  ["State", state(store)],
  ["Files", files(store)],
  ["Size", size(store.bytes)],
  ["Costs a day", dollars(store.cost_per_day)],
  ["Made", exactMoment(store.created_at)],
  ["Last used", exactMoment(store.last_active_at)],
  ["Expires", store.expires_at && exactMoment(store.expires_at)],
  ["Shared with", store.shares.map((each) => `${each.team_id} (${each.permission})`).join(", ")],
  ["Metadata", Object.keys(store.metadata ?? {}).length > 0 && JSON.stringify(store.metadata)],
  ["Requests", html`<a href=${`#/log?vector_store_id=${store.id}`}>of this store</a>`],
];
