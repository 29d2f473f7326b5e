import { z } from "zod";
import { isJsonObject, type JsonObject } from "#domain/json/json";
import { type FailureStrategy, failureStrategies } from "#domain/template/template";

/**
 * The batch of a worker Step, as `ctx.batch`.
 *
 * @example
 * ```ts
 * import { agent, type BatchPart } from "taskrun/worker";
 * import { z } from "zod";
 *
 * function rangeOf({ startCursor, endCursor, isNoOp }: BatchPart): [number, number] {
 *   return isNoOp ? [0, 0] : [Number(startCursor), Number(endCursor)];
 * }
 *
 * const sum = agent({
 *   name: "sum",
 *   input: z.looseObject({}),
 *   async run(_, { batch }) {
 *     const [from, to] = batch ? rangeOf(batch) : [0, 0];
 *     return { items_processed: to - from };
 *   },
 * });
 * ```
 */
export interface BatchPart {
  readonly batchId: string;
  /** As the batchable Step set it; by `splitIntoBatches`: the first item's number, from 0. */
  readonly startCursor: unknown;
  /** As the batchable Step set it; by `splitIntoBatches`: the number after the last item's. */
  readonly endCursor: unknown;
  /** Number of items of this batch; undefined if the batchable Step did not give it. */
  readonly batchSize: number | undefined;
  readonly cursorField: string;
  /** Number of items of all batches; undefined if the batchable Step did not give it. */
  readonly totalItems: number | undefined;
  readonly failureStrategy: FailureStrategy;
  /** True if there are no batches: this worker runs only so that the Step that joins them can run. Do nothing. */
  readonly isNoOp: boolean;
}

/**
 * Where an earlier Run of the same Step stopped, as `ctx.checkpoint`.
 *
 * @example
 * ```ts
 * import type { CheckpointPart } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const pageOf = (checkpoint: CheckpointPart | undefined) => z.int().catch(1).parse(checkpoint?.cursor);
 * ```
 */
export interface CheckpointPart {
  /** The `cursor` passed to `ctx.yield`. */
  readonly cursor: unknown;
  /** The `output` passed to `ctx.yield`; null if there was none. */
  readonly output: unknown;
}

/**
 * The completed Step that a compensating Step compensates, as `ctx.compensate`.
 *
 * @example
 * ```ts
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const booked = z.object({ booking: z.string() });
 * const cancel = agent({
 *   name: "cancel",
 *   input: z.looseObject({}),
 *   async run(_, { compensate }) {
 *     const { booking } = booked.parse(compensate?.result);
 *     return { cancelled: booking, because: compensate?.error };
 *   },
 * });
 * ```
 */
export interface CompensatePart {
  /** The Task that failed or was cancelled. */
  readonly taskId: string;
  /** Name of its Step. */
  readonly step: string;
  /** That Step's result; null if it has none. */
  readonly result: unknown;
  /** Why that Task ended. */
  readonly error: string;
}

const numberIfAny = z.number().optional().catch(undefined);

const batch = z
  .object({
    batch_id: z.string(),
    start_cursor: z.unknown(),
    end_cursor: z.unknown(),
    batch_size: numberIfAny,
    cursor_field: z.string(),
    total_items: numberIfAny,
    failure_strategy: z.enum(failureStrategies),
    is_no_op: z.boolean(),
  })
  .transform(
    (part): BatchPart => ({
      batchId: part.batch_id,
      startCursor: part.start_cursor,
      endCursor: part.end_cursor,
      batchSize: part.batch_size,
      cursorField: part.cursor_field,
      totalItems: part.total_items,
      failureStrategy: part.failure_strategy,
      isNoOp: part.is_no_op,
    }),
  );

const checkpoint = z.object({ cursor: z.unknown(), output: z.unknown() });

const compensate = z
  .object({ task_id: z.string(), step: z.string(), result: z.unknown(), error: z.string() })
  .transform(({ task_id: taskId, ...part }): CompensatePart => ({ taskId, ...part }));

/**
 * Reads the parts of a Step's input that the server has added. Parses the input at the first access only: most agents
 * read it by a schema of their own.
 */
export class StepInput {
  readonly #inputJson: string;
  #parsed: JsonObject | undefined;

  constructor(inputJson: string) {
    this.#inputJson = inputJson;
  }

  get config(): JsonObject | undefined {
    const { config } = this.#input();
    return isJsonObject(config) ? config : undefined;
  }

  get item(): unknown {
    return this.#input().item;
  }

  get index(): number | undefined {
    const { index } = this.#input();
    return typeof index === "number" ? index : undefined;
  }

  get batch(): BatchPart | undefined {
    return batch.safeParse(this.#input().batch).data;
  }

  get checkpoint(): CheckpointPart | undefined {
    return checkpoint.safeParse(this.#input().checkpoint).data;
  }

  get compensate(): CompensatePart | undefined {
    return compensate.safeParse(this.#input().compensate).data;
  }

  /** An input that is no JSON object has no parts; the agent's own schema reports it. */
  #input(): JsonObject {
    this.#parsed ??= objectIn(this.#inputJson);
    return this.#parsed;
  }
}

function objectIn(json: string): JsonObject {
  try {
    const value: unknown = JSON.parse(json);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
