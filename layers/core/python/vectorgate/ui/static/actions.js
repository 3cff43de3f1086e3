/** Actions on keys, teams and end users: what each asks, and what it calls. */

import { post } from "./api.js";
import { html } from "./dom.js";
import { dollars } from "./format.js";

const PERIODS = [["", "No period: for good"], ["24h", "A day"], ["7d", "A week"], ["30d", "30 days"], ["1mo", "A month"]];

/** The fields that are not empty. @param {Record<string, unknown>} fields */
const given = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined));

/** @param {{max_budget?: number | null, budget_duration?: string | null}} [row] */
function budgetFields(row) {
  const known = PERIODS.some(([value]) => value === (row?.budget_duration ?? ""));
  const options = known ? PERIODS : [...PERIODS, [row.budget_duration, row.budget_duration]];
  return [
    { name: "max_budget", title: "Budget in dollars", type: "number", step: "any", min: "0", value: row?.max_budget?.toString(), hint: "Empty: no budget." },
    { name: "budget_duration", title: "Period of the budget", type: "select", options, value: row?.budget_duration ?? "" },
  ];
}

/** A budget as the API takes it: null removes what is there. */
const budgetOf = ({ max_budget, budget_duration }) => ({
  max_budget: max_budget === "" ? null : Number(max_budget),
  budget_duration: budget_duration === "" ? null : budget_duration,
});

/** @param {string} secret @param {string} what */
const secretShown = (secret, what) => html`
  <p>${what} It is shown once: copy it now.</p>
  <p class="secret"><code data-secret>${secret}</code></p>
  <button type="button" onClick=${(event) => copy(secret, event.target)}>Copy</button>
`;

async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
}

/** @param {string[]} teams @param {import("./app.js").Session} session */
export function makeKey(teams, session) {
  const ofTeam = session.role === "team_admin";
  const roles = [["", "None: a client of the API"], ["team_admin", "Administrator of the team"], ...(session.role === "master" ? [["admin", "Administrator"]] : [])];
  return {
    title: "Make a key",
    question: "A new key can be used within five seconds.",
    confirm: "Make the key",
    fields: [
      { name: "key_alias", title: "Name", hint: "As it is shown in lists and records." },
      ...(ofTeam ? [] : [{ name: "team_id", title: "Team", options: teams }]),
      { name: "user_id", title: "User" },
      { name: "duration", title: "Ends after", hint: "Such as 12h, 30d or 6mo. Empty: never. An administrator's key needs it." },
      ...budgetFields(),
      ...(ofTeam ? [] : [{ name: "role", title: "Role", type: "select", options: roles }]),
    ],
    run: async (values) => {
      const made = await post("key/generate", given({ ...values, max_budget: values.max_budget === "" ? "" : Number(values.max_budget) }));
      return secretShown(made.key, `The key ${made.key_alias ?? ""} was made.`);
    },
  };
}

/** The name by which an action calls a key. */
const named = (row) => row.key_alias ?? `${row.token.slice(0, 12)}…`;

export const blockKey = (row) => ({
  title: `${row.blocked ? "Unblock" : "Block"} the key ${named(row)}`,
  question: row.blocked ? "Its calls are served again within five seconds." : "Every call with it is refused (403) within five seconds. What it made stays.",
  confirm: row.blocked ? "Unblock" : "Block",
  danger: !row.blocked,
  run: async () => {
    await post(row.blocked ? "key/unblock" : "key/block", { key: row.token });
    return `The key ${named(row)} was ${row.blocked ? "unblocked" : "blocked"}.`;
  },
});

export const rotateKey = (row) => ({
  title: `Rotate the key ${named(row)}`,
  question: "It gets another secret. Its budget, records and objects stay.",
  confirm: "Rotate",
  danger: true,
  fields: [{ name: "grace_period", title: "The secret before stays valid for", hint: "Such as 24h. Empty: it ends at once." }],
  run: async (values) => {
    const made = await post("key/regenerate", given({ key: row.token, grace_period: values.grace_period }));
    return secretShown(made.key, `The key ${named(row)} has a new secret.`);
  },
});

export const deleteKey = (row) => ({
  title: `Delete the key ${named(row)}`,
  question: "It stops working within five seconds, for good. What it made stays with its team.",
  confirm: "Delete",
  danger: true,
  run: async () => {
    await post("key/delete", { keys: [row.token] });
    return `The key ${named(row)} was deleted.`;
  },
});

/** @param {string} what @param {string} path @param {object} subject @param {object} row */
const budgetAction = (what, path, subject, row) => ({
  title: `Set the budget of ${what}`,
  question: `Now: ${row.max_budget === null ? "none" : dollars(row.max_budget)}. Spent in this period: ${dollars(row.spend)}. A change is in force within five seconds.`,
  confirm: "Set the budget",
  fields: budgetFields(row),
  run: async (values) => {
    const after = await post(path, { ...subject, ...budgetOf(values) });
    return `The budget of ${what} is ${after.max_budget === null ? "removed" : dollars(after.max_budget)}.`;
  },
});

export const budgetKey = (row) => budgetAction(`the key ${named(row)}`, "key/update", { key: row.token }, row);
export const budgetTeam = (row) => budgetAction(`the team ${row.team_id}`, "team/update", { team_id: row.team_id }, row);
export const budgetCustomer = (row) => budgetAction(`the end user ${row.user_id}`, "customer/update", { user_id: row.user_id }, row);

export const makeTeam = () => ({
  title: "Make a team",
  question: "Keys of a team share its stores.",
  confirm: "Make the team",
  fields: [{ name: "team_id", title: "Id", required: true }, { name: "team_alias", title: "Name" }, ...budgetFields()],
  run: async (values) => {
    const made = await post("team/new", given({ ...values, max_budget: values.max_budget === "" ? "" : Number(values.max_budget) }));
    return `The team ${made.team_id} was made.`;
  },
});

export const makeCustomer = () => ({
  title: "Set a budget for an end user",
  question: "Callers name end users in the field user, or in the header x-litellm-end-user-id.",
  confirm: "Set the budget",
  fields: [{ name: "user_id", title: "End user", required: true }, { name: "alias", title: "Name" }, ...budgetFields()],
  run: async (values) => {
    const made = await post("customer/new", given({ ...values, max_budget: values.max_budget === "" ? "" : Number(values.max_budget) }));
    return `The end user ${made.user_id} has a budget.`;
  },
});

export const blockTeam = (row) => ({
  title: `${row.blocked ? "Unblock" : "Block"} the team ${row.team_id}`,
  question: row.blocked ? "Calls of its keys are served again within five seconds." : "Every call of its keys is refused (403) within five seconds.",
  confirm: row.blocked ? "Unblock" : "Block",
  danger: !row.blocked,
  run: async () => {
    await post(row.blocked ? "team/unblock" : "team/block", { team_id: row.team_id });
    return `The team ${row.team_id} was ${row.blocked ? "unblocked" : "blocked"}.`;
  },
});

export const blockCustomer = (row) => ({
  title: `${row.blocked ? "Unblock" : "Block"} the end user ${row.user_id}`,
  question: row.blocked ? "Calls for them are served again within five seconds." : "Every call for them is refused (403) within five seconds.",
  confirm: row.blocked ? "Unblock" : "Block",
  danger: !row.blocked,
  run: async () => {
    await post(row.blocked ? "customer/unblock" : "customer/block", { user_ids: [row.user_id] });
    return `The end user ${row.user_id} was ${row.blocked ? "unblocked" : "blocked"}.`;
  },
});
