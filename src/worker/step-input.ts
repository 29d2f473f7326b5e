import { z } from "zod";
import { isJsonObject, type JsonObject } from "#domain/json";
import { type FailureStrategy, failureStrategies } from "#domain/template";

/** One worker's part of a batch. */
export interface BatchPart {
  readonly batchId: string;
  /** As the step that made the batches has said: for `splitIntoBatches` the first item's number, from 0. */
  readonly startCursor: unknown;
  /** For `splitIntoBatches` the number after the last item's. */
  readonly endCursor: unknown;
  /** How many items it holds; undefined if that was not said. */
  readonly batchSize: number | undefined;
  readonly cursorField: string;
  /** Of all batches together; undefined if that was not said. */
  readonly totalItems: number | undefined;
  readonly failureStrategy: FailureStrategy;
  /** There are no items at all: this worker runs so that what joins the batches does, and should do nothing. */
  readonly isNoOp: boolean;
}

/** Where an earlier run of the same step has stopped. */
export interface CheckpointPart {
  readonly cursor: unknown;
  /** What had been achieved by then; null if nothing was said. */
  readonly output: unknown;
}

/** What is to be undone: a step of another task, and why. */
export interface CompensatePart {
  readonly taskId: string;
  readonly step: string;
  /** Null if the step had no result yet. */
  readonly result: unknown;
  /** Why that task has ended. */
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
 * The parts of a step's input that the plane has added. Parsed at the first question only: most agents never
 * ask, and read the input by a schema of their own.
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

  /** An input that is no JSON object has no parts; who needs it to be one says so. */
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
