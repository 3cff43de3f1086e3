/** Actions on vector stores: share, delete, adopt. */

import { call, get, post } from "./api.js";
import { html } from "./dom.js";
import { dollars, number, size } from "./format.js";

/** The name by which an action calls a store. */
export const named = (store) => store.name || store.id;

/** @param {object} store @param {string[]} teams */
export const shareStore = (store, teams) => ({
  title: `Share the store ${named(store)}`,
  question: `It belongs to ${store.team_id ?? "a key without a team"}, which goes on paying for its storage. The other team pays for its own calls.`,
  confirm: "Share",
  fields: [
    { name: "team_id", title: "Team", options: teams.filter((team) => team !== store.team_id), required: true },
    {
      name: "permission",
      title: "Permission",
      type: "select",
      options: [["read", "Read: search and list"], ["write", "Write: also change it and its files"], ["none", "None: end the share"]],
    },
  ],
  run: async (values) => {
    await post(`vector_stores/${encodeURIComponent(store.id)}/share`, values);
    const said = values.permission === "none" ? "is no longer shared with" : `is shared to ${values.permission} with`;
    return `The store ${named(store)} ${said} ${values.team_id}.`;
  },
});

/** @param {object} store @param {string} provider */
export const deleteStore = (store, provider) => ({
  title: `Delete the store ${named(store)}`,
  question: html`<p>It has ${size(store.bytes)} in ${number(store.file_counts?.total)} files, and costs ${dollars(store.cost_per_day)} a day. Its files stay at the provider. This cannot be undone.</p>`,
  confirm: "Delete the store",
  danger: true,
  run: async () => {
    await call("DELETE", `admin/vector_stores/${encodeURIComponent(store.id)}`, { query: { provider } });
    return `The store ${named(store)} was deleted.`;
  },
});

/**
 * Show the provider's stores that have no owner, and ask which team gets them.
 * @param {string} provider @param {string[]} teams
 */
export async function adoptStores(provider, teams) {
  const found = await get("vector_stores/unowned", { provider, limit: 1000 });
  const stores = found.data.filter((each) => each.adoptable).slice(0, 100);
  if (stores.length === 0) return null;
  return {
    title: "Adopt stores without an owner",
    question: html`
      <p>Stores that were made without the gateway. From then on the team owns them, and pays for their storage.</p>
      <fieldset class="choices"><legend>Stores${found.has_more ? " (the first ones)" : ""}</legend>
        ${stores.map((each) => html`<label key=${each.id}><input type="checkbox" name=${each.id} checked /> ${each.name || each.id} <span class="hint">${size(each.bytes)}</span></label>`)}
      </fieldset>
    `,
    confirm: "Adopt",
    fields: [{ name: "team_id", title: "Team", options: teams, required: true }],
    run: async ({ team_id, ...chosen }) => {
      const ids = Object.keys(chosen);
      if (ids.length === 0) throw new Error("Choose at least one store.");
      const { outcomes } = await post("vector_stores/adopt", { team_id, ids, provider, dry_run: false });
      const said = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome.replaceAll("_", " ")}`);
      return `For the team ${team_id}: ${said.join(", ")}.`;
    },
  };
}
