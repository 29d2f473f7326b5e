/** The bench's worker: the real SDK with agents that cost nothing themselves, and those of the example workflows. */
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { silentTelemetry } from "#host/silent-telemetry";
import { type Agent, agent, serve } from "#worker/index";
import { answer } from "./child.js";
import { agents } from "./load-words.js";
import { examples } from "./root.js";

/** More than any load keeps in flight, so that no slot is ever waited for. */
const MAX_RUNS = 1_024;

const nothing = agent({
  name: agents.nothing,
  input: z.unknown(),
  run: async () => ({ ok: true }),
});

const chatter = agent({
  name: agents.chatter,
  input: z.object({ chunks: z.int(), bytes: z.int() }),
  async *run({ chunks, bytes }) {
    const text = "x".repeat(bytes);
    for (let i = 0; i < chunks; i++) yield text;
  },
});

const stepper = agent({
  name: agents.stepper,
  input: z.object({ steps: z.int() }),
  async run({ steps }, ctx) {
    for (let i = 0; i < steps; i++) await ctx.step("work", () => i);
    return steps;
  },
});

/** They are programs of their own, which import the package by its name, as anybody's would. */
const { agents: ofExamples } = (await import(pathToFileURL(examples("agents/index.mjs")).href)) as {
  readonly agents: readonly Agent[];
};

const addr = process.argv[2] ?? "";
const { log } = silentTelemetry();
await new Promise<void>((onConnected) =>
  serve({
    agents: [nothing, chatter, stepper, ...ofExamples],
    addr,
    id: "bench",
    maxRuns: MAX_RUNS,
    log,
    onConnected: () => onConnected(),
  }),
);
answer(async () => ({}));
