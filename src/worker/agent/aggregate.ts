import { z } from "zod";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { StepResults } from "./context.js";
import { AgentError } from "./error.js";

/**
 * The result of a batch's worker, as {@link aggregateBatches} reads it. Counts that are left out are 0.
 *
 * @example
 * ```ts
 * import { agent, type BatchWorkerResult } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const importRows = agent({
 *   name: "import_rows",
 *   input: z.looseObject({}),
 *   async run(_, { batch }): Promise<BatchWorkerResult> {
 *     return { items_processed: batch?.batchSize ?? 0, items_failed: 0 };
 *   },
 * });
 * ```
 */
export interface BatchWorkerResult {
  readonly items_processed?: number;
  readonly items_succeeded?: number;
  readonly items_failed?: number;
  readonly items_skipped?: number;
  /** JSON values of any shape. The first ten of all workers are kept. */
  readonly errors?: readonly unknown[];
}

/**
 * The sums over all workers of a batch; see {@link aggregateBatches}.
 *
 * @example
 * ```ts
 * import type { BatchTotals } from "taskrun/worker";
 *
 * function isClean({ failed_batches, items_failed }: BatchTotals): boolean {
 *   return failed_batches.length === 0 && items_failed === 0;
 * }
 * ```
 */
export interface BatchTotals {
  /** `NoBatches` if the batchable Step found nothing to do. */
  readonly scenario: "NoBatches" | "WithBatches";
  /** Workers that completed. */
  readonly batch_count: number;
  /** Names of the worker Steps whose failure was tolerated; the sums leave out their items. */
  readonly failed_batches: readonly string[];
  /** The total that the batchable Step reported. */
  readonly total_items: number;
  readonly items_processed: number;
  readonly items_succeeded: number;
  readonly items_failed: number;
  readonly items_skipped: number;
  /** The first ten errors, in the order of the batches; JSON text if they are not strings. */
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
 * Adds up the results of a batch's workers, for the Step that joins them. Reads one result at a time and keeps none.
 *
 * @param batchStep name of the batchable Step; the joining Step must depend on it, directly or not
 * @throws {AgentError} if that Step's result does not name its batches, or a result cannot be read
 *
 * @example
 * ```ts
 * import { agent, aggregateBatches } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const join = agent({
 *   name: "join",
 *   input: z.looseObject({}),
 *   run: (_, ctx) => aggregateBatches(ctx, "split"),
 * });
 * ```
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
