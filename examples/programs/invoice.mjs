// The same agent as invoice.sh, as a program for Node without any dependency. Run it with
//   taskrun worker --exec-jsonl invoice="node examples/programs/invoice.mjs" --exec-steps invoice
import { appendFileSync, readFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";

const input = JSON.parse(readFileSync(0, "utf8"));
const pipe = new Socket({ fd: 3 });
const answers = createInterface({ input: pipe })[Symbol.asyncIterator]();

/** Asks on descriptor 4; the answer is on descriptor 3. */
async function ask(request) {
  writeSync(4, `${JSON.stringify(request)}\n`);
  const { value } = await answers.next();
  return JSON.parse(value);
}

/** The result of `fn`, or the one that it had in an earlier run. */
async function durable(name, effect, fn) {
  const { do: number, result, error } = await ask({ step: name, effect });
  if (error !== undefined) throw new Error(error);
  if (number === undefined) return result;
  try {
    const made = await fn();
    await ask({ done: number, result: made });
    return made;
  } catch (problem) {
    await ask({ failed: number, error: problem.message });
    throw problem;
  }
}

const note = (line) => appendFileSync(process.env.LEDGER, `${line}\n`);

const number = await durable("number", "read", () => {
  note("number");
  return "2026-17";
});
const invoice = await durable("draft", "idempotent", async () => {
  note("draft");
  await setTimeout(1_000 * Number(process.env.SLOW ?? 0));
  return { number, for: input };
});

// While it waits it is ended, and started again when somebody has sent the signal.
const { result: approved } = await ask({ signal: "approved" });

const charged = await durable("charge", "once", () => {
  note("charge");
  return true;
});
console.log(JSON.stringify({ result: { invoice, approved, charged } }));
pipe.destroy();
