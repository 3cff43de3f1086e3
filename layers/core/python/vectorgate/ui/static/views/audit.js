/** Who changed what. */

import { get } from "../api.js";
import { Dialog } from "../dialog.js";
import { html, useState } from "../dom.js";
import { exactMoment } from "../format.js";
import { Act, Badge, Code } from "../parts.js";
import { usePages } from "../state.js";
import { Table } from "../table.js";

async function load(cursor, signal) {
  const answer = await get("audit", { limit: 200, cursor }, signal);
  return { rows: answer.audit_logs, next: answer.next_cursor };
}

const COLUMNS = [
  { title: "When (UTC)", value: (row) => row.updated_at, show: (row) => exactMoment(row.updated_at).slice(0, 19), fixed: true },
  { title: "Who", value: (row) => row.changed_by, show: (row) => (row.changed_by.length === 64 ? html`<${Code}>${row.changed_by.slice(0, 12)}…<//>` : row.changed_by) },
  { title: "Did", value: (row) => row.action, show: (row) => html`<${Badge} kind=${row.action === "deleted" ? "bad" : "plain"}>${row.action}<//>` },
  { title: "To", value: (row) => row.table_name },
  { title: "Which", value: (row) => row.object_id, show: (row) => html`<${Code}>${row.object_id.length > 24 ? `${row.object_id.slice(0, 16)}…` : row.object_id}<//>` },
  { title: "By", value: (row) => row.route },
];

export function View() {
  const { rows, error, loading, more, all, reload } = usePages(load, []);
  const [shown, show] = useState(null);
  const acts = (row) => html`<${Act} label="Show the change of ${row.object_id}" onClick=${() => show(row)}>Show<//>`;
  return html`
    <h1>Audit</h1>
    <${Table} title="Changes of the last 30 days" file="audit" columns=${COLUMNS} rows=${rows} id=${(row) => row.id} error=${error}
      loading=${loading} more=${more} all=${all} reload=${reload} actions=${acts} empty="Nothing was changed." />
    ${shown && html`<${Change} row=${shown} onClose=${() => show(null)} />`}
  `;
}

function Change({ row, onClose }) {
  return html`<${Dialog} title="${row.table_name} ${row.action}" onClose=${onClose} wide>
    <p>${exactMoment(row.updated_at)}, by ${row.changed_by}, request <${Code}>${row.request_id}<//></p>
    <div class="twin">
      <section><h3>Before</h3><pre tabindex="0">${JSON.stringify(row.before_value, null, 2)}</pre></section>
      <section><h3>After</h3><pre tabindex="0">${JSON.stringify(row.updated_values, null, 2)}</pre></section>
    </div>
  <//>`;
}
