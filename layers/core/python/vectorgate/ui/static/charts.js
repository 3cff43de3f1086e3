/** Charts by day: uPlot on a canvas, with the same figures as a table for those who do not see it. */

import { html, useEffect, useRef, useState } from "./dom.js";

/** A line or a part of each bar. @typedef {{title: string, values: (number | null)[]}} Series */

const HEIGHT = 230;
const COLOURS = 6;
const DAY_S = 86_400;
/** @type {Promise<void> | null} */
let loading = null;

/** Load uPlot when the first chart is drawn: a classic script, which defines a global. */
function loadPlot() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/uplot.js", import.meta.url).href;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("The charts cannot be loaded."));
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("vendor/uplot.css", import.meta.url).href;
    document.head.append(style, script);
  });
  return loading;
}

/**
 * @param {{title: string, days: string[], series: Series[], format: (value: number) => string, stacked?: boolean}} props
 *   `stacked`: bars on top of each other, else lines.
 */
export function Chart({ title, days, series, format, stacked }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const element = place.current;
    let plot = null;
    let gone = false;
    const draw = () => {
      plot?.destroy();
      plot = new globalThis.uPlot(options({ series, format, stacked, width: element.clientWidth }), dataOf(days, series, stacked), element);
      element.querySelector(".u-legend").setAttribute("aria-hidden", "true"); // the table has the figures
    };
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    loadPlot().then(
      () => {
        if (gone) return;
        draw();
        resized.observe(element);
        addEventListener("theme", draw);
      },
      () => setFailed(true),
    );
    return () => {
      gone = true;
      resized.disconnect();
      removeEventListener("theme", draw);
      plot?.destroy();
    };
  }, [days, series]);
  if (failed) return html`<p class="failure" role="alert">The chart cannot be loaded: reload the page.</p>`;
  return html`
    <div class="chart" ref=${place} role="img" aria-label=${`${title}, by day. The figures are in the table below.`}></div>
    <${Figures} title=${title} days=${days} series=${series} format=${format} />
  `;
}

/** The figures as a table, which is folded. */
function Figures({ title, days, series, format }) {
  const [open, setOpen] = useState(false);
  return html`<details class="figures" onToggle=${(event) => setOpen(event.target.open)}>
    <summary>Figures</summary>
    ${open &&
    html`<div class="scroll" role="region" aria-label="Figures of ${title}" tabindex="0"><table class="plain-table">
      <thead><tr><th scope="col">Day</th>${series.map((each) => html`<th scope="col" class="numeric">${each.title}</th>`)}</tr></thead>
      <tbody>${days.map((day, at) => html`<tr><th scope="row">${day}</th>${series.map((each) => html`<td class="numeric">${each.values[at] === null ? "–" : format(each.values[at])}</td>`)}</tr>`).reverse()}</tbody>
    </table></div>`}
  </details>`;
}

/** What uPlot draws: the days in Unix seconds, and of stacked series the sum up to each, the last one (on top) first. */
function dataOf(days, series, stacked) {
  const moments = days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
  return [moments, ...(stacked ? sums(series).reverse() : series.map((each) => each.values))];
}

/** @param {Series[]} series */
function sums(series) {
  let below = series[0]?.values.map(() => 0) ?? [];
  return series.map((each) => (below = each.values.map((value, at) => (value ?? 0) + below[at])));
}

/** @param {number} moment Unix seconds */
const isoDay = (moment) => new Date(moment * 1000).toISOString().slice(0, 10);

function options({ series, format, stacked, width }) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const { paths } = globalThis.uPlot;
  const drawn = series.map((each, at) => {
    const line = colour(`--series-${(at % COLOURS) + 1}`);
    const value = (_, __, ___, index) => (index === null || each.values[index] === null ? "–" : format(each.values[index]));
    return stacked
      ? { label: each.title, stroke: line, fill: line, width: 0, points: { show: false }, paths: paths.bars({ size: [0.8, 40] }), value }
      : { label: each.title, stroke: line, width: 2, points: { show: series[0].values.length < 3 }, value };
  });
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const fromZero = (_, __, most) => [0, most > 0 ? most * 1.05 : 1];
  const wholeDays = (_, first, last) => [first - DAY_S / 2, last + DAY_S / 2];
  return {
    width,
    height: HEIGHT,
    tzDate: (moment) => globalThis.uPlot.tzDate(new Date(moment * 1000), "Etc/UTC"),
    cursor: { drag: { x: false, y: false }, points: { show: !stacked } },
    scales: { x: { time: true, range: wholeDays }, y: { range: fromZero } },
    axes: [{ ...axis, size: 30, values: (_, splits) => splits.map((each) => isoDay(each).slice(5)) }, { ...axis, size: 70, values: (_, splits) => splits.map((each) => format(each)) }],
    series: [{ label: "Day", value: (_, moment) => (moment === null ? "–" : isoDay(moment)) }, ...(stacked ? drawn.reverse() : drawn)],
  };
}
