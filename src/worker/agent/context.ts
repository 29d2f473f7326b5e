import type { JsonObject } from "#domain/json/json";
import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import type { Log } from "#ports/telemetry";
import type { OutputOfSchema, StandardSchema } from "#standard-schema/types";
import type { DurableContext } from "./durable.js";
import type { BatchPart, CheckpointPart, CompensatePart } from "./step-input.js";
import type { Yielded } from "./yielded.js";

/** A model that an agent uses. Fields that are left out are unknown. */
export type Backend = Pick<ModelBackend, "provider" | "modelName"> & Partial<ModelBackend>;

export const agentEvents = [
  "SESSION_INITIALIZED",
  "TOOL_REQUESTED",
  "TOOL_COMPLETED",
  "OUTPUT_GENERATED",
] as const;
/**
 * Types of events that an agent can report: those that every program knows, and names of its own, which begin with a small
 * letter.
 */
export type AgentEvent = (typeof agentEvents)[number] | Uncapitalize<string>;

export const speakers = ["USER", "ASSISTANT", "SYSTEM"] as const;
/** The role of a chat message's author. */
export type Speaker = (typeof speakers)[number];

/**
 * Passed to an agent's `run`: identifies the Run, and lets the agent send output, events and chat while it works. Its
 * functions do not use `this` and may be destructured.
 *
 * @example
 * ```ts
 * import { agent, type AgentContext } from "taskrun/worker";
 * import { z } from "zod";
 *
 * async function download(url: string, { signal, output, event }: AgentContext): Promise<number> {
 *   event("TOOL_REQUESTED", { tool: "fetch" });
 *   const response = await fetch(url, { signal }); // stops when the Run is cancelled
 *   event("TOOL_COMPLETED", { tool: "fetch", status: String(response.status) });
 *   await output(await response.text());
 *   return response.status;
 * }
 *
 * const input = z.object({ url: z.url() });
 * const fetcher = agent({ name: "fetch", input, run: ({ url }, ctx) => download(url, ctx) });
 * ```
 */
export interface AgentContext extends StepContext, DurableContext {
  readonly runId: string;
  readonly taskId: string;
  readonly stepName: string;
  /** The number of this attempt of the Step, from 1. */
  readonly attempt: number;
  /** The Task's labels. */
  readonly labels: Labels;
  /** When the Run must have ended, by the server's clock; undefined if there is no limit. */
  readonly deadline: Date | undefined;
  /**
   * Aborts, with a {@link RunStopped} as its reason, when the Run is to stop. Pass it to what can be aborted. A result
   * that is returned afterwards is dropped.
   */
  readonly signal: AbortSignal;
  /**
   * The place of this Run in a trace, as W3C Trace Context writes it, to be passed to what the agent calls; undefined if its Task
   * is in no trace. In a process with OpenTelemetry it is that of the active span.
   */
  readonly traceparent: string | undefined;
  /** The Worker's log; adds the ids of this Run, and of its trace, to every entry. */
  readonly log: Log;
  /**
   * Sends text to the Task's watchers. Await it: it resolves when there is room for more output, which may require that
   * the server has made earlier output durable, so that a slow disk slows the agent instead of filling memory.
   *
   * Text over 64 KiB is split; empty text without metadata is not sent. Do not split surrogate pairs across calls: half
   * of one is sent as U+FFFD.
   *
   * @throws {RunStopped} if the Run has been stopped
   * @throws {AgentError} if the Run exceeds its limit of output; it then fails with `OUTPUT_LIMIT`
   * @throws {TypeError} synchronously, if `text` is no string or `metadata` no object of strings
   * @throws {RangeError} synchronously, if `metadata` exceeds its limits
   */
  output(text: string, metadata?: Labels): Promise<void>;
  /**
   * Reports an event, for example a tool call, or one of the agent's own: `progress`, with `percent` in its metadata, is shown as
   * such. Delivered at most once: it may be lost if the connection breaks. Once the Run has been stopped it does nothing;
   * otherwise it throws what {@link output} throws, and so do the next two.
   */
  event(type: AgentEvent, metadata?: Labels): void;
  /** Adds a message of at most 64 KiB to the Run's conversation. Delivered at most once, like an event. */
  chat(speaker: Speaker, text: string): void;
  /** Reports the model that was used. Not needed by an agent that has a single backend. */
  backendUsed(backend: Backend): void;
}

/**
 * The part of {@link AgentContext} that concerns workflows: the Step's configuration, item, batch or checkpoint. A part
 * that this Run does not have is undefined.
 *
 * @example A long Step that stops at checkpoints
 * ```ts
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const count = agent({
 *   name: "count",
 *   input: z.looseObject({ to: z.int() }),
 *   async run({ to }, ctx) {
 *     const from = z.int().catch(0).parse(ctx.checkpoint?.cursor);
 *     const next = Math.min(from + 1_000, to);
 *     return next < to ? ctx.yield(next) : { counted: to };
 *   },
 * });
 * ```
 */
export interface StepContext extends StepResults {
  /** The `handler.initialization` of the template's step. */
  readonly config: JsonObject | undefined;
  /** For a member of a map: its item of the list. */
  readonly item: unknown;
  /** For a member of a map: the index of its item, from 0. */
  readonly index: number | undefined;
  /** For a worker of a batch: the items it has to process. */
  readonly batch: BatchPart | undefined;
  /** Where an earlier Run of this Step stopped with {@link yield}. */
  readonly checkpoint: CheckpointPart | undefined;
  /** For a compensating Step: the Step that it compensates. */
  readonly compensate: CompensatePart | undefined;
  /**
   * Makes the value to return in order to stop at a checkpoint. The Run then completes, and the Step continues in a new
   * Run, which finds `cursor` and `output` in its {@link checkpoint}. This costs no attempt.
   *
   * @param cursor where to continue
   * @param output what has been achieved so far
   * @throws {AgentError} if the two have no JSON form, or are over 1 MiB of JSON together
   */
  yield(cursor: unknown, output?: unknown): Yielded;
}

/**
 * Access to the results of the Steps that were done before this one. Part of {@link AgentContext}.
 *
 * @example
 * ```ts
 * import { agent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const found = z.object({ urls: z.array(z.string()) });
 * const summarize = agent({
 *   name: "summarize",
 *   input: z.looseObject({}),
 *   async run(_, ctx) {
 *     const { urls } = await ctx.result("search", found);
 *     return { sources: urls.length, missing: ctx.failedDependencies };
 *   },
 * });
 * ```
 */
export interface StepResults {
  /** Names of the direct dependencies that have a result. */
  readonly dependencies: readonly string[];
  /** Names of the direct dependencies that failed and whose failure the template tolerates. */
  readonly failedDependencies: readonly string[];
  /**
   * Returns the result of a Step that this one depends on, directly or not; undefined if it has none. A result that was
   * not sent with the assignment is read from the server on each call, waiting up to 30 s for a lost connection.
   *
   * @throws {AgentError} if this Step does not depend on such a Step, or the server could not be reached in time
   * @throws {RunStopped} if the Run has been stopped
   */
  result(stepName: string): Promise<unknown>;
  /**
   * Returns the result as the schema parses it.
   *
   * @throws {AgentError} also if the result does not fit the schema; not retryable
   */
  result<Schema extends StandardSchema>(stepName: string, schema: Schema): Promise<OutputOfSchema<Schema>>;
  /** Returns the result as the JSON text that the Step's agent sent. */
  resultJson(stepName: string): Promise<string | undefined>;
}
