import fc from "fast-check";
import { expect, test } from "vitest";
import { readTemplate } from "#templates/index";
import { type Lived, live } from "./live-flow.js";
import { flows } from "./random-flows.js";

/** More of them by hand: FLOWS=2000. */
const RUNS = Number(process.env.FLOWS ?? 60);
const seed = process.env.FLOWS_SEED === undefined ? {} : { seed: Number(process.env.FLOWS_SEED) };

const sum = { tasks: 0, steps: 0, runs: 0, atOnce: 0, ends: new Map<string, number>() };

function note({ end, steps, runs, atOnce }: Lived): void {
  sum.tasks += 1;
  sum.steps += steps;
  sum.runs += runs;
  sum.atOnce = Math.max(sum.atOnce, atOnce);
  sum.ends.set(end, (sum.ends.get(end) ?? 0) + 1);
}

test.each([12, 50, 200])("templates of up to %i steps", { timeout: 60_000 + RUNS * 1_000 }, async (most) => {
  await fc.assert(
    fc.asyncProperty(flows(most), fc.nat(), fc.option(fc.nat(20), { nil: undefined }), async (flow, dice, cancel) => {
      note(await live(flow, dice, cancel));
    }),
    { numRuns: Math.ceil(RUNS * (most > 50 ? 0.2 : most > 12 ? 0.5 : 1)), ...seed },
  );
  if (process.env.FLOWS) console.log(sum);
});
