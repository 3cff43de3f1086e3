/** Small parts that several views draw. */

import { html } from "./dom.js";
import { dollars } from "./format.js";

/** What is spent, as a bar of the budget where there is one. @param {{spend: number | null, max: number | null}} props */
export function Budget({ spend, max }) {
  if (max === null || max === undefined) return html`<span>${dollars(spend)}</span>`;
  const share = max > 0 ? spend / max : 1;
  const state = share >= 1 ? "over" : share >= 0.8 ? "near" : "within";
  return html`<span class="budget ${state}">
    <span>${dollars(spend)} of ${dollars(max)}</span>
    <meter min="0" max="1" low="0.8" high="0.9999" optimum="0" value=${Math.min(1, share)} aria-label="Share of the budget">${Math.round(share * 100)} %</meter>
  </span>`;
}

/** @param {{kind?: "good" | "bad" | "warn" | "plain", children?: unknown}} props */
export const Badge = ({ kind = "plain", children }) => html`<span class="badge ${kind}">${children}</span>`;

/** @param {{onClick: () => void, label: string, danger?: boolean, children?: unknown}} props `label`: for screen readers */
export const Act = ({ onClick, label, danger, children }) =>
  html`<button type="button" class=${danger ? "small danger-text" : "small"} onClick=${onClick} aria-label=${label}>${children}</button>`;

/** An id that may be long. @param {{children?: unknown}} props */
export const Code = ({ children }) => html`<code class="id">${children}</code>`;

/** Names and values, without those that are empty. @param {{facts: [string, unknown][]}} props */
export const Facts = ({ facts }) => html`<dl class="facts">
  ${facts
    .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
    .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>`;
