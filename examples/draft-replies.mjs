/**
 * An agent that is a program: it drafts a first reply to each ticket.
 *
 * stdin: `{"tickets": [{"id", "customer", "query"}], "pause_ms": 0}`. stdout: one line per ticket. It waits `pause_ms`
 * milliseconds before each, so that the output can be watched.
 */
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";

const { tickets, pause_ms: pauseMs = 0 } = JSON.parse(await text(process.stdin));

// The pipe is closed because the worker has ended.
process.stdout.on("error", () => process.exit(1));

for (const { id, customer, query } of tickets) {
  await pause(pauseMs);
  process.stdout.write(`${id}: Hello ${customer}, ${draft(query)}\n`);
}

/** A sentence about the ticket, and one about what happens next. */
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
