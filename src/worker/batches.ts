import { limits } from "#domain/limits";
import { AgentError } from "./agent-error.js";

/** The part of the work that one worker is given. */
export interface Batch<Cursor = unknown> {
  /** 1 to 64 letters, digits, `_`, `.` or `-`; the worker's step is named after it. */
  readonly batchId: string;
  /** Where it begins and ends: whatever JSON can say, as long as the worker's agent understands it. */
  readonly startCursor: Cursor;
  readonly endCursor: Cursor;
  /** How many items it holds; at most the template's `batch_size`. */
  readonly batchSize: number;
}

export interface Batches {
  /** The template's step that each batch is given to, as its `worker_template` names it. */
  readonly workerTemplate: string;
  readonly batches: readonly Batch[];
  /** Of all batches together. */
  readonly totalItems: number;
}

/** The result of a batchable step: the batches to be made. */
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
/** Batches sort by their ids, and thousands of them would not fit into a task. */
const ID_DIGITS = 3;

/**
 * The result of a batchable step: a worker for each of these batches. An empty list is the same as
 * {@link noBatches}. Spread it to say more.
 *
 * @throws {AgentError} if there are more than a task can hold, or two of the same id, or an id cannot be one
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

/** The result of a batchable step: there is nothing to do. What joins the batches runs all the same. */
export function noBatches(): BatchesResult {
  return { batch_processing_outcome: { type: "no_batches" } };
}

/**
 * Numbered items, 0 to `totalItems` − 1, in batches of `batchSize`, the last one perhaps smaller: each from
 * its start cursor up to, and without, its end cursor. Ids are `000`, `001`, and so on.
 *
 * @param totalItems a whole number; for 0 there is no batch
 * @param batchSize a whole number of at least 1
 * @throws {AgentError} if a number is none of these, or there are more batches than a task can hold
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

/** Trying again would give the same. */
function refuse(message: string): never {
  throw new AgentError(message, { retryable: false });
}
