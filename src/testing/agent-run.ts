import type { JsonObject } from "#domain/json/json";
import type { JournalRecord } from "#domain/task/journal";
import type { Labels } from "#domain/task/task";
import type { Log } from "#ports/telemetry";
import type {
  AgentEvent,
  Backend,
  BatchPart,
  CheckpointPart,
  CompensatePart,
  Speaker,
  UsageReport,
} from "#worker/index";

/* What an agent that runs without a plane is given, and what it has come to. */

/**
 * Options of {@link runAgent}: what the Step that runs the agent would be given. All may be left out.
 *
 * @example
 * ```ts
 * import type { RunAgentOptions } from "taskrun/testing";
 *
 * const options: RunAgentOptions = {
 *   results: { search: { urls: ["https://example.org"] } },
 *   config: { model: "small" },
 *   attempt: 2,
 * };
 * ```
 */
export interface RunAgentOptions {
  /** Aborting it stops the Run: `ctx.signal` aborts. */
  readonly signal?: AbortSignal;
  /** Results of the Steps that this one depends on, by name; undefined for a Step that has none. */
  readonly results?: Readonly<Record<string, unknown>>;
  /** `ctx.config`. */
  readonly config?: JsonObject;
  /** `ctx.checkpoint`: where an earlier Run has stopped. */
  readonly checkpoint?: Partial<CheckpointPart>;
  /** `ctx.item` and `ctx.index`, for a member of a map. */
  readonly item?: unknown;
  readonly index?: number;
  /** `ctx.batch`, for a worker of a batch. */
  readonly batch?: Partial<BatchPart>;
  /** `ctx.compensate`, for a compensating Step. */
  readonly compensate?: Partial<CompensatePart>;
  /** Default 1. */
  readonly attempt?: number;
  /** When the Run must have ended; it is stopped then. Default: no limit. */
  readonly deadline?: Date;
  readonly labels?: Labels;
  readonly failedDependencies?: readonly string[];
  /** Default `main`. */
  readonly stepName?: string;
  /**
   * What earlier Runs have journaled, from {@link AgentRun.journal}: durable steps that are in it are not done again. Cut it anywhere to
   * see what the agent does after its Worker was lost there.
   */
  readonly journal?: readonly AgentJournalRecord[];
  /** Payloads for `ctx.waitForSignal`, by the name of the signal, in the order in which they come. */
  readonly signals?: Readonly<Record<string, readonly unknown[]>>;
  /** What children do, by the name of the agent or template that `ctx.call` or `ctx.spawn` asks for. What one throws is its failure. */
  readonly children?: Readonly<Record<string, (input: never) => unknown>>;
  /** Receives what the agent logs, which is among the events too. Default: nothing does. */
  readonly log?: Log;
}

/**
 * One record of the journal of an agent that runs without a plane.
 *
 * @example
 * ```ts
 * import { runAgent } from "taskrun/testing";
 * import { agent } from "taskrun/worker";
 *
 * const pay = agent({ name: "pay", run: (_, ctx) => ctx.step("charge", () => "paid", { effect: "once" }) });
 * const { journal } = await runAgent(pay, {});
 * console.log(journal.map(({ name, state }) => `${name} ${state}`)); // ["charge BEGUN", "charge COMPLETED"]
 * ```
 */
export interface AgentJournalRecord extends JournalRecord {
  /** The Task that a child is. */
  readonly childId?: string;
}

/**
 * Something that an agent has done, in the order in which it did it.
 *
 * @example
 * ```ts
 * import { runAgent } from "taskrun/testing";
 * import { supportTriage } from "taskrun/worker";
 *
 * const { events } = await runAgent(supportTriage, { query: "I was charged twice" });
 * for (const event of events) if (event.type === "event") console.log(event.kind, event.metadata);
 * ```
 */
export type AgentRecord =
  | { readonly type: "output"; readonly text: string; readonly metadata: Labels }
  | { readonly type: "event"; readonly kind: AgentEvent; readonly metadata: Labels }
  | { readonly type: "chat"; readonly role: Speaker; readonly content: string }
  | { readonly type: "log"; readonly level: keyof Log; readonly message: string; readonly fields: unknown };

/**
 * What a Run without a plane has come to, returned by {@link runAgent}.
 *
 * @example
 * ```ts
 * import { type AgentRun, runAgent } from "taskrun/testing";
 * import { agent } from "taskrun/worker";
 *
 * const count = agent({ name: "count", run: async (_, ctx) => ctx.yield(10, "ten done") });
 * const run: AgentRun<unknown> = await runAgent(count, {});
 * console.log(run.yielded?.cursor); // 10
 * ```
 */
export interface AgentRun<Result> {
  /** As a client would read it, parsed from JSON; undefined if there is none, or if the agent has stopped at a checkpoint. */
  readonly result: Result;
  /** All output in one text. */
  readonly output: string;
  readonly events: readonly AgentRecord[];
  /** Where it has stopped, if it has returned the value of `ctx.yield`. Pass it as `checkpoint` to go on. */
  readonly yielded: CheckpointPart | undefined;
  /** What its durable steps have written, after what it was given. */
  readonly journal: readonly AgentJournalRecord[];
  /** What it has reported by `ctx.usage`, and each call of a tool by `ctx.tool`. */
  readonly usage: readonly UsageReport[];
  /** The model that it has said to have used. */
  readonly backendUsed: Backend | undefined;
}
