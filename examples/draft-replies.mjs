/**
 * An agent that is a program: it drafts a first reply to each ticket it is given, from the words of the ticket.
 *
 * On stdin: `{"tickets": [{"id", "customer", "query"}], "pause_ms": 0}`. On stdout: one line a ticket. It waits
 * `pause_ms` before each, so that somebody can watch; that wait is all that is slow about it.
 */
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

const { tickets, pause_ms: pauseMs = 0 } = JSON.parse(await text(process.stdin));

// Nobody reads any more: the worker is gone, and what is written here would reach no one.
process.stdout.on("error", () => process.exit(1));

for (const { id, customer, query } of tickets) {
  await pause(pauseMs);
  process.stdout.write(`${id}: Hello ${customer}, ${draft(query)}\n`);
}

/** One sentence that shows the ticket was read, and one that says what comes next. */
function draft(query) {
  const order = query.match(/#\d+/)?.[0];
  const amount = query.match(/\d+[.,]\d\d [A-Z]{3}/)?.[0];
  const about = order ? `about order ${order}` : amount ? `about the ${amount}` : `about "${opening(query)}"`;
  const next =
    query.length < 20 ? "Could you tell us a little more?" : "We look into it and come back to you.";
  return `thank you for writing ${about}. ${next}`;
}

function opening(query) {
  const words = query.split(/\s+/);
  return words.slice(0, 6).join(" ") + (words.length > 6 ? " …" : "");
}
