/** Actions on dead letters of local mode: handle them again, or give them up. */

import { post } from "./api.js";

const one = (letter) => ({ queue: letter.queue, ...(letter.id ? { ids: [letter.id] } : {}) });

export const retryLetter = (letter) => ({
  title: `Try ${letter.id ?? letter.queue} again`,
  question: letter.queue === "ingest" ? "The file is read again within seconds." : "The record is delivered to its destination once more.",
  confirm: "Try again",
  run: async () => {
    const { retried, reason } = await post("admin/dead_letters/retry", one(letter));
    if (retried === 0) throw new Error(`It stays a dead letter: ${reason ?? "it is not there any more"}.`);
    return `${letter.id ?? letter.queue} was handled again.`;
  },
});

export const dropLetter = (letter) => ({
  title: `Drop ${letter.id ?? letter.queue}`,
  question: "The destination will not have this record. It stays in the ledger. This cannot be undone.",
  confirm: "Drop",
  danger: true,
  run: async () => {
    await post("admin/dead_letters/drop", one(letter));
    return `${letter.id ?? letter.queue} was dropped.`;
  },
});
