import type { z } from "zod";
import type { JsonObject } from "#domain/json";
import type { ModelBackend } from "#domain/run";
import type { Labels } from "#domain/task";
import type { Log } from "#ports/telemetry";
import type { BatchPart, CheckpointPart, CompensatePart } from "./step-input.js";
import type { Yielded } from "./yielded.js";

/** A model behind an agent. What is left out is unknown. */
export type Backend = Pick<ModelBackend, "provider" | "modelName"> & Partial<ModelBackend>;

export const agentEvents = [
  "SESSION_INITIALIZED",
  "TOOL_REQUESTED",
  "TOOL_COMPLETED",
  "OUTPUT_GENERATED",
] as const;
/** What an agent can tell of beside its output. */
export type AgentEvent = (typeof agentEvents)[number];

export const speakers = ["USER", "ASSISTANT", "SYSTEM"] as const;
/** Who speaks in a chat message. */
export type Speaker = (typeof speakers)[number];

/** What one run gives its agent. */
export interface AgentContext extends StepContext {
  readonly runId: string;
  readonly taskId: string;
  readonly stepName: string;
  /** Which try of the step this is, from 1. */
  readonly attempt: number;
  /** The task's labels. */
  readonly labels: Labels;
  /** When the run must have ended, by the plane's clock; undefined means no limit. */
  readonly deadline: Date | undefined;
  /** Aborts, with a `RunStopped`, when the run is no longer wanted. Its results are then dropped. */
  readonly signal: AbortSignal;
  /** The worker's log, with the ids of this run. */
  readonly log: Log;
  /**
   * Sends text to whoever watches the task. Resolves when there is room for more, which may be only when
   * the plane has made earlier output durable: await it, and a slow disk slows the agent, not the plane.
   * Text over 64 KiB is sent in pieces; empty text without metadata is not sent. Cut text between code points:
   * half of a surrogate pair is sent as U+FFFD.
   *
   * @throws {RunStopped} if the run is no longer wanted
   * @throws {AgentError} if the run has said more than one run may: it then fails with `OUTPUT_LIMIT`
   * @throws {TypeError} if text or metadata are not what they must be, at once
   * @throws {RangeError} if the metadata is over the plane's limits, at once
   */
  output(text: string, metadata?: Labels): Promise<void>;
  /**
   * Tells of something done. One that is under way when the connection breaks may be lost. Throws like
   * {@link output}, and so do the next two.
   */
  event(type: AgentEvent, metadata?: Labels): void;
  /** Adds to the run's conversation, at most 64 KiB. One under way when the connection breaks may be lost. */
  chat(speaker: Speaker, text: string): void;
  /** Says which model has really been used. Without it, an agent's only backend counts as used. */
  backendUsed(backend: Backend): void;
}

/**
 * What a run gives its agent as a step of a workflow. Parts of the input that are not there, or are not what
 * the plane writes, are undefined; the agent's own schema sees them all the same, by their names in JSON.
 */
export interface StepContext extends StepResults {
  /** What the template says for this step in `handler.initialization`. */
  readonly config: JsonObject | undefined;
  /** One member of a map: its item of the list, and which one that is, from 0. */
  readonly item: unknown;
  readonly index: number | undefined;
  /** One worker of a batch: which items are its own. */
  readonly batch: BatchPart | undefined;
  /** Where an earlier run of this step has stopped with {@link yield}. */
  readonly checkpoint: CheckpointPart | undefined;
  /** What this step is to undo. */
  readonly compensate: CompensatePart | undefined;
  /**
   * Stops here for now: return what it gives. The step goes on in another run, which finds cursor and output
   * in `checkpoint`; that costs no attempt. Together they are at most 1 MiB of JSON.
   *
   * @throws {AgentError} if they are more, or JSON cannot say them
   */
  yield(cursor: unknown, output?: unknown): Yielded;
}

/** The results of the steps before this one. */
export interface StepResults {
  /** The steps that this one depends on and that have a result, by name. */
  readonly dependencies: readonly string[];
  /** The steps that this one depends on and that failed, where the template says to go on without them. */
  readonly failedDependencies: readonly string[];
  /**
   * The result of a step that had to be done before this one, directly or not; undefined if it has none. What
   * did not come along is read from the plane each time, which may take up to 30 s if that is not there.
   *
   * @throws {AgentError} if there is no such step before this one, or the plane could not be reached in time
   * @throws {RunStopped} if the run is no longer wanted
   */
  result(stepName: string): Promise<unknown>;
  /** The same, checked. @throws {AgentError} also if the result does not fit the schema: the run then fails for good */
  result<Schema extends z.ZodType>(stepName: string, schema: Schema): Promise<z.output<Schema>>;
  /** The same as JSON text, as that step's agent gave it. */
  resultJson(stepName: string): Promise<string | undefined>;
}
