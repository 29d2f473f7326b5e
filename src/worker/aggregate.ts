import { z } from "zod";
import { limits } from "#domain/limits";
import { clip } from "#domain/text";
import type { StepResults } from "./agent-context.js";
import { AgentError } from "./agent-error.js";

/** What a worker of a batch says of its items, so that {@link aggregateBatches} can add it up. */
export interface BatchWorkerResult {
  readonly items_processed?: number;
  readonly items_succeeded?: number;
  readonly items_failed?: number;
  readonly items_skipped?: number;
  /** Any shape; the first ones over all workers are kept. */
  readonly errors?: readonly unknown[];
}

/** What all workers of a batch have done together. */
export interface BatchTotals {
  /** Whether there was anything to do. */
  readonly scenario: "NoBatches" | "WithBatches";
  /** Workers that have done their part. */
  readonly batch_count: number;
  /** Steps of workers that failed and were passed over; their items are in no sum. */
  readonly failed_batches: readonly string[];
  /** As the step that made the batches has said. */
  readonly total_items: number;
  readonly items_processed: number;
  readonly items_succeeded: number;
  readonly items_failed: number;
  readonly items_skipped: number;
  /** The first errors, in the order of the batches, as JSON text where they are none already. */
  readonly errors: readonly { readonly step: string; readonly error: string }[];
}

const made = z.object({
  batch_processing_outcome: z.discriminatedUnion("type", [
    z.object({ type: z.literal("no_batches") }),
    z.object({
      type: z.literal("create_batches"),
      worker_template_name: z.string().min(1),
      cursor_configs: z.array(z.object({ batch_id: z.string() })).max(limits.taskSteps),
      total_items: z.number().catch(0),
    }),
  ]),
});

const count = z.number().nonnegative().optional().catch(undefined);
const counts = z.object({
  items_processed: count,
  items_succeeded: count,
  items_failed: count,
  items_skipped: count,
});
const withErrors = z.object({ errors: z.array(z.unknown()) });

/**
 * Adds up what the workers of a batch have said: for the step that joins them. Reads one result at a time and
 * keeps none. A number that a worker did not give counts as 0.
 *
 * @param batchStep the step that made the batches; the joining step comes after it, directly or not
 * @throws {AgentError} if that step's result does not say which batches it made, or a result cannot be read
 */
export async function aggregateBatches(ctx: StepResults, batchStep: string): Promise<BatchTotals> {
  const { batch_processing_outcome: outcome } = await ctx.result(batchStep, made);
  if (outcome.type === "no_batches") return { scenario: "NoBatches", failed_batches: [], ...total(0) };

  const there = new Set(ctx.dependencies);
  const failed = new Set(ctx.failedDependencies);
  const members = outcome.cursor_configs.map(({ batch_id }) => `${outcome.worker_template_name}_${batch_id}`);
  if (!members.some((step) => there.has(step) || failed.has(step))) {
    const message = `no worker that "${batchStep}" has made, for example ${members[0]}, comes with a result`;
    const advice = "let this step depend on them, and their agent return what it has done";
    throw new AgentError(`${message}: ${advice}`, { retryable: false });
  }

  const sums = total(outcome.total_items);
  for (const step of members) {
    if (failed.has(step)) continue;
    sums.batch_count += 1;
    if (there.has(step)) add(sums, step, await ctx.result(step));
  }
  return { scenario: "WithBatches", failed_batches: members.filter((step) => failed.has(step)), ...sums };
}

function total(totalItems: number) {
  return {
    batch_count: 0,
    total_items: totalItems,
    items_processed: 0,
    items_succeeded: 0,
    items_failed: 0,
    items_skipped: 0,
    errors: [] as { step: string; error: string }[],
  };
}

function add(sums: ReturnType<typeof total>, step: string, result: unknown): void {
  const said = counts.safeParse(result).data ?? {};
  sums.items_processed += said.items_processed ?? 0;
  sums.items_succeeded += said.items_succeeded ?? 0;
  sums.items_failed += said.items_failed ?? 0;
  sums.items_skipped += said.items_skipped ?? 0;

  const errors = withErrors.safeParse(result).data?.errors ?? [];
  for (const error of errors.slice(0, limits.aggregatedErrors - sums.errors.length)) {
    const text = typeof error === "string" ? error : JSON.stringify(error);
    sums.errors.push({ step, error: clip(text, limits.aggregatedErrorBytes) });
  }
}
