/** What is open: calls whose outcome is not known or that wait for settlement, and what was set aside. */

import { get } from "../api.js";
import { useAction } from "../dialog.js";
import { html } from "../dom.js";
import { age, exactMoment, moment, number } from "../format.js";
import { dropLetter, retryLetter } from "../letter-actions.js";
import { Act, Badge, Code } from "../parts.js";
import { useLoaded } from "../state.js";
import { Table } from "../table.js";

/** Seconds after which an open call stands out: the meter finds out what became of it within minutes. */
const LATE_S = 900;

const COLUMNS = [
  { title: "Age", value: (row) => row.age_seconds, show: (row) => age(row.age_seconds), fixed: true },
  { title: "State", value: (row) => row.state, show: (row) => html`<${Badge} kind=${row.state === "uncertain" ? "warn" : "plain"}>${row.state}<//>` },
  { title: "Call", value: (row) => row.call_type },
  { title: "Team", value: (row) => row.team_id },
  { title: "Key", value: (row) => row.key_alias },
  { title: "Provider", value: (row) => row.custom_llm_provider },
  { title: "Store", value: (row) => row.vector_store_id, show: (row) => row.vector_store_id && html`<${Code}>${row.vector_store_id.slice(0, 14)}<//>` },
  { title: "Began (UTC)", value: (row) => row.startTime, show: (row) => exactMoment(row.startTime).slice(0, 19), fixed: true },
  { title: "Request", value: (row) => row.request_id, show: (row) => html`<a href=${`#/log?request_id=${row.request_id}`}><${Code}>${row.request_id.slice(0, 13)}<//></a>` },
];

const LETTERS = [
  { title: "Queue", value: (row) => row.queue },
  { title: "In the queue", value: (row) => row.count, show: (row) => number(row.count), numeric: true },
  { title: "Since (UTC)", value: (row) => row.set_aside_at, show: (row) => moment(row.set_aside_at), fixed: true },
  { title: "What", value: (row) => row.id, show: (row) => row.id && html`<${Code}>${row.id}<//>` },
  { title: "Why", value: (row) => row.reason },
];

/** A row for each message that is shown; of a queue without one, a row for the queue. */
const lettersOf = ({ data }) =>
  data.filter((each) => each.count > 0).flatMap(({ queue, count, messages, actions }) => (messages.length > 0 ? messages : [{}]).map((each) => ({ queue, count, can: actions, ...each })));

export function View() {
  return html`
    <h1>Operations</h1>
    <${Open} />
    <${DeadLetters} />
  `;
}

/** What could not be settled, ingested or exported. */
function DeadLetters() {
  const { data, error, loading, reload } = useLoaded((signal) => get("admin/dead_letters", {}, signal).then(lettersOf), []);
  const { ask, dialog } = useAction(reload);
  const acts = (row) => html`
    ${row.can.includes("retry") && html`<${Act} label="Try ${row.id} again" onClick=${() => ask(retryLetter(row))}>Try again<//>`}
    ${row.can.includes("drop") && html`<${Act} label="Drop ${row.id}" danger onClick=${() => ask(dropLetter(row))}>Drop<//>`}
  `;
  return html`<${Table} title="Dead letters" file="dead-letters" columns=${LETTERS} rows=${data} id=${(row) => `${row.queue} ${row.id}`} error=${error}
    loading=${loading} reload=${reload} actions=${(data ?? []).some((row) => row.can.length > 0) ? acts : undefined} mark=${() => "idle"} empty="No dead letters." />
    ${dialog}`;
}

function Open() {
  const { data, error, loading, reload } = useLoaded((signal) => get("admin/open_operations", { limit: 500 }, signal), []);
  const late = (data?.data ?? []).filter((row) => row.age_seconds > LATE_S).length;
  const hint = late > 0 ? `${late} ${late === 1 ? "call has" : "calls have"} been open for more than 15 minutes: see docs/runbook.md.` : undefined;
  return html`<${Table} title="Open operations" file="open-operations" columns=${COLUMNS} rows=${data && data.data} id=${(row) => row.request_id} error=${error}
    loading=${loading} reload=${reload} hint=${hint} mark=${(row) => (row.age_seconds > LATE_S ? "idle" : "")} empty="Nothing is open." />`;
}
