/** A table that can be searched, sorted, paged and saved as CSV. On a phone each row is a card. */

import { csv, download } from "./csv.js";
import { html, useId, useMemo, useState } from "./dom.js";

/**
 * A column. `value`: what is searched, sorted and saved; `show`: what is drawn in its place; `fixed`: on one line.
 * @template Row
 * @typedef {{title: string, value: (row: Row) => string | number | boolean | null | undefined, show?: (row: Row) => unknown, numeric?: boolean, fixed?: boolean}} Column
 */

const PAGE = 25;

/**
 * @template Row
 * @param {{title: string, file: string, columns: Column<Row>[], rows: Row[] | null, id: (row: Row) => string,
 *   error?: Error | null, loading?: boolean, more?: (() => void) | null, all?: (() => void) | null, reload?: () => void, empty?: string,
 *   actions?: (row: Row) => unknown, mark?: (row: Row) => string, tools?: unknown, hint?: string}} props
 *   `more` loads what is not there yet, and `all` as much of it as is searched and sorted; `mark` gives a row's class;
 *   `tools` stand beside the search.
 */
export function Table(props) {
  const { title, columns, rows, file } = props;
  const [search, setSearch] = useState("");
  const [order, setOrder] = useState({ column: -1, down: false });
  const [page, setPage] = useState(0);
  const searched = (text) => {
    setSearch(text);
    props.all?.();
  };
  const ordered = (by) => {
    setOrder(by);
    props.all?.();
  };
  const partly = props.more && !props.loading && (search !== "" || order.column >= 0);
  const shown = useMemo(() => sorted(found(rows ?? [], columns, search), columns, order), [rows, search, order]);
  const pages = Math.max(1, Math.ceil(shown.length / PAGE));
  const at = Math.min(page, pages - 1);
  const save = () => download(`${file}.csv`, csv(columns.map((each) => each.title), shown.map((row) => columns.map((each) => each.value(row)))));
  return html`<section class="panel" aria-busy=${props.loading ? "true" : "false"}>
    <div class="panel-head">
      <h2>${title}</h2>
      <div class="tools">
        ${props.tools}
        <input type="search" placeholder="Search" aria-label="Search ${title}" value=${search} onInput=${(event) => searched(event.target.value)} />
        <button type="button" onClick=${save} disabled=${shown.length === 0}>CSV</button>
        ${props.reload && html`<button type="button" onClick=${props.reload} aria-label="Reload ${title}">↻</button>`}
      </div>
    </div>
    ${props.hint && html`<p class="hint">${props.hint}</p>`}
    ${props.error && html`<p role="alert" class="failure">${props.error.message}</p>`}
    <${Grid} ...${props} rows=${shown.slice(at * PAGE, (at + 1) * PAGE)} order=${order} setOrder=${ordered} known=${rows !== null} />
    <${Pager} count=${shown.length} of=${rows?.length ?? 0} at=${at} pages=${pages} setPage=${setPage} more=${props.more} loading=${props.loading} partly=${partly} />
  </section>`;
}

/** The rows of one page. */
function Grid({ title, columns, rows, id, actions, mark, order, setOrder, empty, known }) {
  const name = useId();
  if (rows.length === 0) return html`<p class="empty" role="status">${known ? (empty ?? "Nothing here.") : "Loading…"}</p>`;
  return html`<div class="scroll" role="region" aria-labelledby=${name} tabindex="0">
    <table role="table">
      <caption id=${name} class="unseen">${title}</caption>
      <thead role="rowgroup"><tr role="row">
        ${columns.map((each, index) => html`<${Heading} key=${index} column=${each} index=${index} order=${order} setOrder=${setOrder} />`)}
        ${actions && html`<th role="columnheader" scope="col">Actions</th>`}
      </tr></thead>
      <tbody role="rowgroup">
        ${rows.map(
          (row) => html`<tr role="row" key=${id(row)} class=${mark?.(row) ?? ""}>
            ${columns.map(
              (each, index) => html`<td role="cell" key=${index} data-title=${each.title} class=${`${each.numeric ? "numeric" : ""} ${each.fixed ? "fixed" : ""}`}>${drawn(each, row)}</td>`,
            )}
            ${actions && html`<td role="cell" data-title="Actions" class="actions">${actions(row)}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A column's title, which sorts by it. */
function Heading({ column, index, order, setOrder }) {
  const sorts = order.column === index;
  const sort = () => setOrder({ column: index, down: sorts && !order.down });
  const direction = sorts ? (order.down ? "descending" : "ascending") : undefined;
  return html`<th role="columnheader" scope="col" aria-sort=${direction} class=${column.numeric ? "numeric" : ""}>
    <button type="button" class="sort" onClick=${sort}>${column.title}<span aria-hidden="true">${sorts ? (order.down ? " ↓" : " ↑") : ""}</span></button>
  </th>`;
}

/** How many rows there are, and the pages. */
function Pager({ count, of, at, pages, setPage, more, loading, partly }) {
  const shown = count === of ? `${count} ${count === 1 ? "row" : "rows"}` : `${count} of ${of} rows`;
  return html`<div class="pager">
    <span role="status">${shown}${more ? `, and more${partly ? ", which are not searched and sorted: use the filters" : ""}` : ""}</span>
    ${more && html`<button type="button" onClick=${more} disabled=${loading}>Load more</button>`}
    ${pages > 1 &&
    html`<span class="pages">
      <button type="button" aria-label="Previous page" disabled=${at === 0} onClick=${() => setPage(at - 1)}>‹</button>
      <span>Page ${at + 1} of ${pages}</span>
      <button type="button" aria-label="Next page" disabled=${at === pages - 1} onClick=${() => setPage(at + 1)}>›</button>
    </span>`}
  </div>`;
}

function drawn(column, row) {
  const drawn = column.show ? column.show(row) : column.value(row);
  return drawn === null || drawn === undefined || drawn === "" ? "–" : drawn;
}

/** The rows of which one column has every word of the search. */
function found(rows, columns, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const text = columns.map((each) => String(each.value(row) ?? "").toLowerCase()).join("\n");
    return words.every((word) => text.includes(word));
  });
}

/** The rows by a column; those without a value come last. */
function sorted(rows, columns, { column, down }) {
  if (column < 0) return rows;
  const { value } = columns[column];
  const sign = down ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [left, right] = [value(one) ?? null, value(other) ?? null];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return sign * (typeof left === "number" && typeof right === "number" ? left - right : String(left).localeCompare(String(right)));
  });
}
