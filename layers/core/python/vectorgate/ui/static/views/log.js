/** The request log: the records of the ledger, with filters, and one record in full. */

import { get } from "../api.js";
import { Dialog } from "../dialog.js";
import { html, useEffect, useState } from "../dom.js";
import { dollars, duration, exactMoment, number } from "../format.js";
import { Act, Badge, Code, Facts } from "../parts.js";
import { addressTo, useLoaded, usePages } from "../state.js";
import { Table } from "../table.js";

const FILTERS = [
  ["start_date", "From", "date"],
  ["end_date", "To", "date"],
  ["team_id", "Team", "text"],
  ["api_key", "Key or its hash", "text"],
  ["end_user", "End user", "text"],
  ["vector_store_id", "Store", "text"],
  ["call_type", "Call", "text"],
  ["request_id", "Request", "text"],
];
const STATUSES = [["", "Any"], ["success", "Success"], ["failure", "Failure"], ["pending", "Pending"], ["uncertain", "Uncertain"]];
const KINDS = { success: "good", failure: "bad", uncertain: "warn" };

const status = (row) => html`<${Badge} kind=${KINDS[row.status] ?? "plain"}>${row.status}${row.status === "failure" ? ` ${row.status_code ?? ""}` : ""}<//>`;

const COLUMNS = [
  { title: "When (UTC)", value: (row) => row.startTime, show: (row) => exactMoment(row.startTime).slice(0, 19), fixed: true },
  { title: "Call", value: (row) => row.call_type },
  { title: "Status", value: (row) => `${row.status} ${row.status_code ?? ""}`.trim(), show: status },
  { title: "Team", value: (row) => row.team_id },
  { title: "Key", value: (row) => row.key_alias ?? row.api_key, show: (row) => row.key_alias ?? (row.api_key && html`<${Code}>${row.api_key.slice(0, 8)}<//>`) },
  { title: "Store", value: (row) => row.vector_store_id, show: (row) => row.vector_store_id && html`<${Code}>${row.vector_store_id.slice(0, 11)}<//>` },
  { title: "Cost", value: (row) => row.spend, show: (row) => dollars(row.spend), numeric: true },
  { title: "Provider", value: (row) => row.upstream_ms, show: (row) => duration(row.upstream_ms), numeric: true, fixed: true },
  { title: "Overhead", value: (row) => row.overhead_ms, show: (row) => duration(row.overhead_ms), numeric: true, fixed: true },
];

export function View({ query }) {
  const load = async (cursor, signal) => {
    const answer = await get("spend/logs", { limit: cursor === null ? 200 : 1000, ...query, cursor: cursor ?? "" }, signal);
    return Array.isArray(answer) ? { rows: answer, next: null } : { rows: answer.data, next: answer.next_cursor };
  };
  const { rows, error, loading, more, all, reload } = usePages(load, [JSON.stringify(query)]);
  const [shown, show] = useState(null);
  useEffect(() => show(null), [JSON.stringify(query)]); // a link in the dialog leads to other filters
  const acts = (row) => html`<${Act} label="Show the request ${row.request_id}" onClick=${() => show(row.request_id)}>Show<//>`;
  const period = query.start_date || query.end_date ? "Requests that match" : "Requests of the last 30 days";
  return html`
    <h1>Requests</h1>
    <${Filters} key=${JSON.stringify(query)} query=${query} />
    <${Table} title=${period} file="requests" columns=${COLUMNS} rows=${rows} id=${(row) => row.request_id} error=${error}
      loading=${loading} more=${more} all=${all} reload=${reload} actions=${acts} mark=${(row) => (row.status === "failure" ? "off" : "")} empty="No request matches." />
    ${shown && html`<${Details} id=${shown} onClose=${() => show(null)} />`}
  `;
}

/** The filters of the address, and the way to others. */
function Filters({ query }) {
  const submit = (event) => {
    event.preventDefault();
    location.hash = addressTo("log", Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, String(value).trim()])));
  };
  const used = Object.keys(query).length;
  return html`<details class="panel filters" open=${used > 0}>
    <summary>Filter${used > 0 ? ` (${used})` : ""}</summary>
    <form onSubmit=${submit}>
      ${FILTERS.map(([name, title, type]) => html`<label key=${name}>${title}<input type=${type} name=${name} defaultValue=${query[name] ?? ""} autocomplete="off" /></label>`)}
      <label>Status<select name="status">${STATUSES.map(([value, title]) => html`<option value=${value} selected=${value === (query.status ?? "")}>${title}</option>`)}</select></label>
      <div class="row"><button type="submit" class="primary">Apply</button><a href="#/log">Clear</a></div>
    </form>
  </details>`;
}

/** One record in full, as it is now. */
function Details({ id, onClose }) {
  const { data, error } = useLoaded((signal) => get("spend/logs", { request_id: id }, signal), [id]);
  const record = data?.[0];
  return html`<${Dialog} title="Request" onClose=${onClose} wide>
    ${error && html`<p role="alert" class="failure">${error.message}</p>`}
    ${data === null && error === null && html`<p role="status">Loading…</p>`}
    ${data && !record && html`<p>It is not there any more.</p>`}
    ${record && html`<${Facts} facts=${factsOf(record)} />`}
  <//>`;
}

const link = (filter, value) => value && html`<a href=${addressTo("log", { [filter]: value })}>${value}</a>`;
const list = (values) => values?.length > 0 && values.join(", ");
const tools = (calls) => list(Object.entries(calls ?? {}).map(([name, count]) => `${name}: ${count}`));

const factsOf = (record) => [
  ["Request", record.request_id],
  ["Call", record.call_type],
  ["Status", status(record)],
  ["Error", record.error_code],
  ["State in the ledger", record.state],
  ["Found out by", record.found_by],
  ["Began", exactMoment(record.startTime)],
  ["Ended", record.endTime && exactMoment(record.endTime)],
  ["Time at the provider", record.upstream_ms !== null && duration(record.upstream_ms)],
  ["Time in the gateway", record.overhead_ms !== null && duration(record.overhead_ms)],
  ["Cost", `${dollars(record.spend)} (${number(record.spend_nano_usd)} nano-dollars)`],
  ["Price", record.price_id],
  ["Of tools", record.tools_spend !== null && dollars(record.tools_spend)],
  ["Team", link("team_id", record.team_id)],
  ["Key", record.key_alias],
  ["Key's hash", link("api_key", record.api_key)],
  ["User", record.user],
  ["End user", link("end_user", record.end_user)],
  ["Tags", list(record.request_tags)],
  ["Provider", record.custom_llm_provider],
  ["Provider's request", record.upstream_request_id],
  ["Store", link("vector_store_id", record.vector_store_id)],
  ["Stores searched", list(record.searched_stores)],
  ["File", record.file_id],
  ["Batch", record.batch_id],
  ["Upload", record.upload_id],
  ["Response", record.response_id],
  ["Model", record.model],
  ["Service tier", record.service_tier],
  ["Input tokens", record.input_tokens !== null && number(record.input_tokens)],
  ["of them cached", record.cached_tokens !== null && number(record.cached_tokens)],
  ["Output tokens", record.output_tokens !== null && number(record.output_tokens)],
  ["of them reasoning", record.reasoning_tokens !== null && number(record.reasoning_tokens)],
  ["Calls of tools", tools(record.tool_calls)],
  ["Byte-seconds", record.byte_seconds !== null && number(record.byte_seconds)],
  ["Corrects", link("request_id", record.corrects)],
  ["Quarantined", list(record.quarantined)],
];
