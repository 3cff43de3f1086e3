/** What is spent, stored, asked and searched: a panel each, each with a request of its own. */

import { get } from "../api.js";
import { Chart } from "../charts.js";
import { html, useMemo, useState } from "../dom.js";
import { dollars, duration, number } from "../format.js";
import { Badge, Budget } from "../parts.js";
import { useLoaded } from "../state.js";

const WINDOWS = [7, 30, 90, 180];
const DAY_S = 86_400;
const GIB = 2 ** 30;
/** The parts of a bar that have a colour of their own; the rest is added up. */
const MOST_LINES = 5;

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

/** @param {{title: string, value: string, hint?: string}[]} tiles */
const Tiles = ({ tiles }) => html`<dl class="tiles">
  ${tiles.map((each) => html`<div><dt>${each.title}</dt><dd>${each.value}</dd>${each.hint && html`<dd class="hint">${each.hint}</dd>`}</div>`)}
</dl>`;

/** The daily spend by line item. */
function Spend({ days }) {
  const start = (Math.floor(Date.now() / 1000 / DAY_S) - days + 1) * DAY_S;
  const loaded = useLoaded((signal) => get("v1/organization/costs", { start_time: start, group_by: "line_item", limit: days }, signal).then(spendOf), [days]);
  return html`<${Panel} title="Spend by line item" loaded=${loaded} wide>
    ${(data) => html`
      <${Tiles} tiles=${[
        { title: `Spent in ${days} days`, value: dollars(data.total) },
        { title: "Today, so far", value: dollars(data.today) },
        { title: "Forecast for 30 days", value: dollars(data.forecast), hint: "at the pace of the last 7 days that are over" },
      ]} />
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
  const over = byDay.slice(0, -1).slice(-7);
  return { days, series, total: total(byDay), today: byDay.at(-1), forecast: over.length > 0 ? (total(over) / over.length) * 30 : null };
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

/** Each team's spend against its budget, and where it will be at the end of the budget's period. */
function Budgets() {
  const loaded = useLoaded((signal) => get("team/list", {}, signal).then(budgetsOf), []);
  return html`<${Panel} title="Budgets of teams" loaded=${loaded} wide>
    ${(teams) =>
      teams.length === 0
        ? html`<p class="hint">No team has a budget.</p>`
        : html`<ul class="budgets">${teams.map((team) => html`<li key=${team.id}>
            <span class="name">${team.id}</span>
            <${Budget} spend=${team.spend} max=${team.max} />
            <span class="hint">${team.forecast === null ? "without a period" : `${dollars(team.forecast)} at the end of its period`} ${team.forecast > team.max && html`<${Badge} kind="warn">over its budget<//>`}</span>
          </li>`)}</ul>`}
  <//>`;
}

/** The teams with a budget, those first whose forecast is the largest part of it. */
function budgetsOf(teams) {
  const rows = teams.filter((team) => team.max_budget !== null).map((team) => ({ id: team.team_id, spend: team.spend, max: team.max_budget, forecast: forecastOf(team) }));
  const share = (row) => (row.max > 0 ? (row.forecast ?? row.spend) / row.max : 0);
  return rows.sort((one, other) => share(other) - share(one)).slice(0, 12);
}

const UNITS = { s: 1, m: 60, h: 3_600, d: DAY_S, w: 7 * DAY_S, mo: 30 * DAY_S };

/** What a team will have spent at the end of its period, at its pace so far; null without a period. */
function forecastOf(team) {
  const match = /^(\d+)(s|m|h|d|w|mo)$/.exec(team.budget_duration ?? "");
  if (match === null || team.budget_reset_at === null) return null;
  const length = Number(match[1]) * UNITS[match[2]];
  const left = Math.max(0, Date.parse(team.budget_reset_at) / 1000 - Date.now() / 1000);
  const passed = Math.max(length - left, 3_600);
  return passed >= length ? team.spend : (team.spend / passed) * length;
}

function Storage({ days }) {
  const loaded = useLoaded((signal) => get("admin/panels/storage", { days }, signal).then(storageOf), [days]);
  return html`<${Panel} title="Storage by store" loaded=${loaded}>
    ${(data) => html`
      <${Tiles} tiles=${[{ title: "Stored", value: gib(data.latest), hint: data.day && `on ${data.day}, the last day that is charged` }, { title: "Stores", value: number(data.count) }]} />
      <${Chart} title="Storage" days=${data.days} series=${data.series} format=${gib} stacked />
    `}
  <//>`;
}

/** An amount in GiB, which the axis has in round numbers. */
const gib = (amount) => `${amount.toLocaleString("en-US", { maximumFractionDigits: amount < 1 ? 3 : 1 })} GiB`;

function storageOf({ days, stores, others, count }) {
  const lines = stores.map((each) => ({ title: each.name || each.id.slice(0, 14), values: each.bytes }));
  if (others.some(Boolean)) lines.push({ title: "others", values: others });
  const series = lines.map((each) => ({ ...each, values: each.values.map((bytes) => bytes / GIB) }));
  const byDay = days.map((_, at) => total(series.map((each) => each.values[at])));
  const last = byDay.findLastIndex((amount) => amount > 0);
  return { days, series, count, latest: last < 0 ? 0 : byDay[last], day: days[last] };
}

function Requests({ days }) {
  const load = (signal) => get("admin/panels/requests", { days }, signal).then(requestsOf);
  const loaded = useLoaded(load, [days]);
  return html`<${Panel} title="Requests" loaded=${loaded}>
    ${(data) => html`
      <${Tiles} tiles=${data.series.map((each) => ({ title: each.title, value: number(total(each.values)) }))} />
      <${Chart} title="Requests" days=${data.days} series=${data.series} format=${whole} />
    `}
  <//>`;
}

const whole = (value) => number(Math.round(value));

const requestsOf = ({ days, calls, refusals, upstream_errors }) => ({
  days,
  series: [
    { title: "requests", values: calls },
    { title: "refusals", values: refusals },
    { title: "upstream errors", values: upstream_errors },
  ],
});

function Searches({ days }) {
  const loaded = useLoaded((signal) => get("admin/panels/searches", { days }, signal).then(searchesOf), [days]);
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

const MEASURES = [["upstream_ms", "provider"], ["overhead_ms", "gateway"]];

function Latency({ days }) {
  const [measure, setMeasure] = useState("upstream_ms");
  const loaded = useLoaded((signal) => get("admin/panels/latency", { days }, signal), [days]);
  return html`<${Panel} title="Latency" loaded=${loaded}>
    ${(data) => html`
      <table class="plain-table latency">
        <caption class="unseen">Percentiles of all calls</caption>
        <thead><tr><th scope="col">Time in</th><th scope="col" class="numeric">p50</th><th scope="col" class="numeric">p95</th><th scope="col" class="numeric">p99</th></tr></thead>
        <tbody>${MEASURES.map(([name, title]) => html`<tr><th scope="row">the ${title}</th>${["p50", "p95", "p99"].map((each) => html`<td class="numeric">${duration(data[name][each].all)}</td>`)}</tr>`)}</tbody>
      </table>
      <label class="hint">Chart of <select onChange=${(event) => setMeasure(event.target.value)}>
        ${MEASURES.map(([name, title]) => html`<option value=${name} selected=${name === measure}>the ${title}</option>`)}
      </select></label>
      <${LatencyChart} days=${data.days} measured=${data[measure]} />
    `}
  <//>`;
}

function LatencyChart({ days, measured }) {
  const series = useMemo(() => ["p50", "p95", "p99"].map((each) => ({ title: each, values: measured[each].by_day })), [measured]);
  return html`<${Chart} title="Latency" days=${days} series=${series} format=${duration} />`;
}
