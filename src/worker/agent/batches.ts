import { limits } from "#limits/index";
import { AgentError } from "./error.js";

/**
 * The part of a batchable Step's work that one worker gets.
 *
 * @example
 * ```ts
 * import type { Batch } from "taskrun/worker";
 *
 * const january: Batch<string> = {
 *   batchId: "2026-01",
 *   startCursor: "2026-01-01",
 *   endCursor: "2026-02-01",
 *   batchSize: 31,
 * };
 * ```
 */
export interface Batch<Cursor = unknown> {
  /** 1 to 64 letters, digits, `_`, `.` or `-`. The worker's Step is named `{worker_template}_{batchId}`. */
  readonly batchId: string;
  /** Any JSON values; only the worker's agent interprets them. */
  readonly startCursor: Cursor;
  readonly endCursor: Cursor;
  /** Number of items, at most the template's `batch_size`. */
  readonly batchSize: number;
}

/**
 * The argument of {@link createBatches}.
 *
 * @example
 * ```ts
 * import { type Batches, splitIntoBatches } from "taskrun/worker";
 *
 * const batches: Batches = {
 *   workerTemplate: "import_rows",
 *   batches: splitIntoBatches(1_000, 200),
 *   totalItems: 1_000,
 * };
 * ```
 */
export interface Batches {
  /** Name of the step of type `batch_worker` that runs each batch: the template's `worker_template`. */
  readonly workerTemplate: string;
  readonly batches: readonly Batch[];
  /** Number of items of all batches together. */
  readonly totalItems: number;
}

/**
 * The result of a batchable Step's agent, which tells the server which batches to create. Made by {@link createBatches}
 * or {@link noBatches}.
 *
 * @example
 * ```ts
 * import { type BatchesResult, createBatches, noBatches, splitIntoBatches } from "taskrun/worker";
 *
 * function resultFor(rows: number): BatchesResult {
 *   if (rows === 0) return noBatches();
 *   return createBatches({ workerTemplate: "import_rows", batches: splitIntoBatches(rows, 200), totalItems: rows });
 * }
 * ```
 */
export interface BatchesResult {
  readonly batch_processing_outcome:
    | {
        readonly type: "create_batches";
        readonly worker_template_name: string;
        readonly worker_count: number;
        readonly cursor_configs: readonly CursorConfig[];
        readonly total_items: number;
      }
    | { readonly type: "no_batches" };
}

interface CursorConfig {
  readonly batch_id: string;
  readonly start_cursor: unknown;
  readonly end_cursor: unknown;
  readonly batch_size: number;
}

const BATCH_ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** Digits of generated ids, so that they sort as text: a Task has room for fewer than a thousand batches. */
const ID_DIGITS = 3;

/**
 * Makes the result of a batchable Step: one worker is created for each batch. An empty list equals {@link noBatches}.
 * Spread it to add fields of your own.
 *
 * @throws {AgentError} if there are more batches than a Task may have Steps, or an id is invalid or used twice
 *
 * @example
 * ```ts
 * import { agent, createBatches, splitIntoBatches } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const split = agent({
 *   name: "split",
 *   input: z.looseObject({ rows: z.int() }),
 *   async run({ rows }) {
 *     return createBatches({ workerTemplate: "import_rows", batches: splitIntoBatches(rows, 200), totalItems: rows });
 *   },
 * });
 * ```
 */
export function createBatches({ workerTemplate, batches, totalItems }: Batches): BatchesResult {
  if (batches.length === 0) return noBatches();
  checkCount(batches.length);
  const ids = new Set<string>();
  for (const { batchId } of batches) {
    if (!BATCH_ID.test(batchId)) {
      refuse(`batchId ${JSON.stringify(batchId)} is not 1 to 64 letters, digits, "_", "." or "-"`);
    }
    if (ids.has(batchId)) refuse(`batchId "${batchId}" comes twice`);
    ids.add(batchId);
  }

  return {
    batch_processing_outcome: {
      type: "create_batches",
      worker_template_name: workerTemplate,
      worker_count: batches.length,
      cursor_configs: batches.map(({ batchId, startCursor, endCursor, batchSize }) => ({
        batch_id: batchId,
        start_cursor: startCursor,
        end_cursor: endCursor,
        batch_size: batchSize,
      })),
      total_items: totalItems,
    },
  };
}

/**
 * Makes the result of a batchable Step that has nothing to do. The Step that joins the batches runs all the same.
 *
 * @example
 * ```ts
 * import { agent, noBatches } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const split = agent({ name: "split", input: z.looseObject({}), run: async () => noBatches() });
 * ```
 */
export function noBatches(): BatchesResult {
  return { batch_processing_outcome: { type: "no_batches" } };
}

/**
 * Splits the numbers 0 … `totalItems` − 1 into batches of `batchSize`; the last one may be smaller. Cursors are
 * half-open: a batch includes its start and excludes its end. Ids are `000`, `001`, and so on.
 *
 * @param totalItems an integer of at least 0; 0 gives no batch
 * @param batchSize an integer of at least 1
 * @throws {AgentError} if an argument is out of range, or there are more batches than a Task may have Steps
 *
 * @example
 * ```ts
 * import { splitIntoBatches } from "taskrun/worker";
 *
 * const [first] = splitIntoBatches(1_000, 300); // { batchId: "000", startCursor: 0, endCursor: 300, batchSize: 300 }
 * ```
 */
export function splitIntoBatches(totalItems: number, batchSize: number): Batch<number>[] {
  if (!Number.isSafeInteger(totalItems) || totalItems < 0) refuse(`totalItems is ${totalItems}`);
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) refuse(`batchSize is ${batchSize}`);
  const count = Math.ceil(totalItems / batchSize);
  checkCount(count);

  return Array.from({ length: count }, (_, i) => {
    const startCursor = i * batchSize;
    const endCursor = Math.min(startCursor + batchSize, totalItems);
    const batchId = String(i).padStart(ID_DIGITS, "0");
    return { batchId, startCursor, endCursor, batchSize: endCursor - startCursor };
  });
}

function checkCount(count: number): void {
  if (count <= limits.taskSteps) return;
  refuse(`${count} batches are too many: a task has at most ${limits.taskSteps} steps; make them larger`);
}

/** Not retryable: another attempt would compute the same. */
function refuse(message: string): never {
  throw new AgentError(message, { retryable: false });
}
