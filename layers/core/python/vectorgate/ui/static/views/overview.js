/** What is spent, stored, asked and searched: a panel each, each with a request of its own. */

import { get } from "../api.js";
import { Chart } from "../charts.js";
import { html, useMemo, useState } from "../dom.js";
import { day, dollars, duration, number } from "../format.js";
import { Badge, Budget } from "../parts.js";
import { useLoaded } from "../state.js";

const WINDOWS = [7, 30, 90, 180];
const DAY_S = 86_400;
const GIB = 2 ** 30;
const MOST_TEAMS = 12;
/** The parts of a bar that have a colour of their own; the rest is added up. */
const MOST_LINES = 5;

/** The last days, as the reports take them. @param {number} days */
function datesOf(days) {
  const day = (ago) => new Date(Date.now() - ago * DAY_S * 1000).toISOString().slice(0, 10);
  return { start_date: day(days - 1), end_date: day(0) };
}

export function View() {
  const [days, setDays] = useState(30);
  return html`
    <div class="head">
      <h1>Overview</h1>
      <label>Days <select value=${days} onChange=${(event) => setDays(Number(event.target.value))}>
        ${WINDOWS.map((each) => html`<option value=${each} selected=${each === days}>${each} days</option>`)}
      </select></label>
    </div>
    <div class="grid">
      <${Spend} days=${days} />
      <${Budgets} />
      <${Requests} days=${days} />
      <${Latency} days=${days} />
      <${Storage} days=${days} />
      <${Searches} days=${days} />
    </div>
  `;
}

/** A panel around what one request loads. @param {{title: string, loaded: object, wide?: boolean, children: (data: any) => unknown}} props */
function Panel({ title, loaded, wide, children }) {
  const { data, error, loading } = loaded;
  return html`<section class="panel ${wide ? "wide" : ""}" aria-busy=${loading ? "true" : "false"}>
    <div class="panel-head"><h2>${title}</h2></div>
    ${error && html`<p role="alert" class="failure">${error.message}</p>`}
    <div class="panel-body">${data === null ? !error && html`<p class="hint" role="status">Loading…</p>` : children(data)}</div>
  </section>`;
}

/** @param {{tiles: {title: string, value: string, hint?: string}[]}} props */
const Tiles = ({ tiles }) => html`<dl class="tiles">
  ${tiles.map((each) => html`<div><dt>${each.title}</dt><dd>${each.value}</dd>${each.hint && html`<dd class="hint">${each.hint}</dd>`}</div>`)}
</dl>`;

/** The daily spend by line item. */
function Spend({ days }) {
  const start = (Math.floor(Date.now() / 1000 / DAY_S) - days + 1) * DAY_S;
  const load = (signal) => get("v1/organization/costs", { start_time: start, group_by: "line_item", limit: days }, signal).then(spendOf);
  const loaded = useLoaded(load, [days]);
  return html`<${Panel} title="Spend by line item" loaded=${loaded} wide>
    ${(data) => html`
      <${Tiles} tiles=${[{ title: `Spent in ${days} days`, value: dollars(data.total) }, { title: "Today, so far", value: dollars(data.today) }]} />
      <${Chart} title="Spend" days=${data.days} series=${data.series} format=${dollars} stacked />
    `}
  <//>`;
}

/** OpenAI's page of costs, as a chart. */
function spendOf(page) {
  const days = page.data.map((bucket) => new Date(bucket.start_time * 1000).toISOString().slice(0, 10));
  const lines = {};
  page.data.forEach((bucket, at) => {
    for (const { line_item, amount } of bucket.results) (lines[line_item] ??= days.map(() => 0))[at] += amount.value;
  });
  const series = largest(Object.entries(lines).map(([title, values]) => ({ title, values })));
  const byDay = days.map((_, at) => Object.values(lines).reduce((sum, values) => sum + values[at], 0));
  return { days, series, total: total(byDay), today: byDay.at(-1) };
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);

/** The largest series, and the others added up. */
function largest(series) {
  const sorted = [...series].filter((each) => total(each.values) > 0).sort((one, other) => total(other.values) - total(one.values));
  if (sorted.length <= MOST_LINES + 1) return sorted;
  const rest = sorted.slice(MOST_LINES);
  const values = rest[0].values.map((_, at) => total(rest.map((each) => each.values[at])));
  return [...sorted.slice(0, MOST_LINES), { title: "others", values }];
}

/** The month's spend and forecast, and each team's against its budget. */
function Budgets() {
  const loaded = useLoaded((signal) => get("global/spend/forecast", {}, signal), []);
  return html`<${Panel} title="Spend against budgets" loaded=${loaded} wide>
    ${(data) => html`
      <${Tiles} tiles=${[
        { title: "This month, so far", value: dollars(data.spend) },
        { title: "Storage not charged yet", value: dollars(data.pending_storage_spend) },
        { title: "Forecast for the month", value: dollars(data.forecast), hint: "at the pace of the last 14 days" },
      ]} />
      <ul class="budgets">${data.teams.slice(0, MOST_TEAMS).map((team) => html`<${TeamBudget} key=${team.team_id} team=${team} />`)}</ul>
    `}
  <//>`;
}

function TeamBudget({ team }) {
  const ends = team.budget_reset_at === null ? "this month" : `until ${day(team.budget_reset_at)}`;
  const over = team.max_budget !== null && team.forecast > team.max_budget;
  return html`<li>
    <span class="name">${team.team_alias ?? team.team_id}</span>
    <${Budget} spend=${team.spend} max=${team.max_budget} />
    <span class="hint">forecast ${dollars(team.forecast)} ${ends} ${over && html`<${Badge} kind="warn">over its budget<//>`}</span>
  </li>`;
}

function Storage({ days }) {
  const loaded = useLoaded((signal) => get("global/storage", { ...datesOf(days), limit: MOST_LINES }, signal).then(storageOf), [days]);
  return html`<${Panel} title="Storage by store" loaded=${loaded}>
    ${(data) => html`
      <${Tiles} tiles=${[{ title: "Stored", value: gib(data.latest), hint: data.day && `on ${data.day}, the last day that is charged` }, { title: "Stores", value: number(data.count) }]} />
      <${Chart} title="Storage" days=${data.days} series=${data.series} format=${gib} stacked />
    `}
  <//>`;
}

/** An amount in GiB, which the axis has in round numbers. */
const gib = (amount) => `${amount.toLocaleString("en-US", { maximumFractionDigits: amount < 1 ? 3 : 1 })} GiB`;

function storageOf({ days, stores, other_stores, other_bytes, total_bytes }) {
  const lines = stores.map((each) => ({ title: each.name || each.id.slice(0, 14), values: each.bytes }));
  if (other_stores > 0) lines.push({ title: "others", values: other_bytes });
  const series = lines.map((each) => ({ ...each, values: each.values.map((bytes) => bytes / GIB) }));
  const last = total_bytes.findLastIndex((bytes) => bytes > 0);
  return { days, series, count: stores.length + other_stores, latest: last < 0 ? 0 : total_bytes[last] / GIB, day: days[last] };
}

function Requests({ days }) {
  const loaded = useLoaded((signal) => get("global/activity", datesOf(days), signal).then(requestsOf), [days]);
  return html`<${Panel} title="Requests" loaded=${loaded}>
    ${(data) => html`
      <${Tiles} tiles=${data.series.map((each) => ({ title: each.title, value: number(total(each.values)) }))} />
      <${Chart} title="Requests" days=${data.days} series=${data.series} format=${whole} />
    `}
  <//>`;
}

const whole = (value) => number(Math.round(value));

const CALLS = [["api_requests", "requests"], ["refusals", "refusals"], ["upstream_errors", "upstream errors"]];

const requestsOf = ({ daily_data }) => ({
  days: daily_data.map((each) => each.date),
  series: CALLS.map(([name, title]) => ({ title, values: daily_data.map((each) => each[name]) })),
});

function Searches({ days }) {
  const loaded = useLoaded((signal) => get("admin/searches", { days }, signal).then(searchesOf), [days]);
  return html`<${Panel} title="Searches by key" loaded=${loaded}>
    ${(data) => html`
      <${Tiles} tiles=${[{ title: `Searches in ${days} days`, value: number(total(data.series.flatMap((each) => each.values))) }]} />
      <${Chart} title="Searches" days=${data.days} series=${data.series} format=${whole} stacked />
    `}
  <//>`;
}

function searchesOf({ days, keys, others }) {
  const series = keys.map((each) => ({ title: each.key_alias ?? each.api_key.slice(0, 8), values: each.searches }));
  if (others.some(Boolean)) series.push({ title: "others", values: others });
  return { days, series };
}

const MEASURES = [["upstream", "provider"], ["overhead", "gateway"]];
const PERCENTILES = ["p50", "p95", "p99"];

function Latency({ days }) {
  const [measure, setMeasure] = useState("upstream");
  const loaded = useLoaded((signal) => get("global/latency", datesOf(days), signal), [days]);
  return html`<${Panel} title="Latency" loaded=${loaded}>
    ${(data) => html`
      <table class="plain-table latency">
        <caption class="unseen">Percentiles of all calls</caption>
        <thead><tr><th scope="col">Time in</th>${PERCENTILES.map((each) => html`<th scope="col" class="numeric">${each}</th>`)}</tr></thead>
        <tbody>${MEASURES.map(([name, title]) => html`<tr><th scope="row">the ${title}</th>${PERCENTILES.map((each) => html`<td class="numeric">${duration(data[name][`${each}_ms`])}</td>`)}</tr>`)}</tbody>
      </table>
      <label class="hint">Chart of <select onChange=${(event) => setMeasure(event.target.value)}>
        ${MEASURES.map(([name, title]) => html`<option value=${name} selected=${name === measure}>the ${title}</option>`)}
      </select></label>
      <${LatencyChart} data=${data.daily_data} measure=${measure} />
    `}
  <//>`;
}

function LatencyChart({ data, measure }) {
  const { days, series } = useMemo(() => ({
    days: data.map((each) => each.date),
    series: PERCENTILES.map((title) => ({ title, values: data.map((each) => each[measure][`${title}_ms`]) })),
  }), [data, measure]);
  return html`<${Chart} title="Latency" days=${days} series=${series} format=${duration} />`;
}
