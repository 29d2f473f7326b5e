/** Agents whose every word follows from the run they are in, so that a test knows what must have been written. */
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { agent } from "taskrun/worker";
import { z } from "zod";

const { E2E_TRACE = "/dev/null", E2E_WORKER = "" } = process.env;

function note(what, { runId, taskId, attempt }) {
  appendFileSync(E2E_TRACE, `${JSON.stringify({ what, worker: E2E_WORKER, runId, taskId, attempt })}\n`);
}

/** The chunk that a run writes at a seq. */
function chunk(runId, seq, bytes) {
  const text = `${runId} ${seq} ${createHash("sha1").update(`${runId} ${seq}`).digest("hex")}\n`;
  return text.padEnd(bytes, "x");
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const plan = z.object({
  chunks: z.int().default(3),
  delayMs: z.number().default(0),
  bytes: z.int().default(0),
});

/** Writes so many chunks, with so long a pause between them. */
async function* write({ chunks, delayMs, bytes }, ctx) {
  note("begin", ctx);
  try {
    for (let seq = 0; seq < chunks; seq += 1) {
      yield chunk(ctx.runId, seq, bytes);
      if (delayMs > 0) await pause(delayMs, ctx.signal);
      ctx.signal.throwIfAborted();
    }
    note("end", ctx);
    return { runId: ctx.runId, chunks };
  } finally {
    if (ctx.signal.aborted) note("stopped", ctx);
  }
}

export const writer = agent({ name: "writer", input: plan, run: write });

/** A writer as a member of a map. */
export const member = agent({
  name: "member",
  input: z.object({ item: plan }),
  run: ({ item }, ctx) => write(item, ctx),
});

/** Works until it is stopped. */
export const sleeper = agent({
  name: "sleeper",
  input: z.object({}),
  async run(_, ctx) {
    note("begin", ctx);
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
    note("stopped", ctx);
  },
});

export const failing = agent({
  name: "failing",
  input: z.object({}),
  async run() {
    throw new Error("as it was told to");
  },
});
