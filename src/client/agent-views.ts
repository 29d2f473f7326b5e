import type { Backoff } from "#domain/task/retry";

/**
 * How an agent wants to be tried again; what is absent is left to templates, or to the default.
 *
 * @example
 * ```ts
 * import { type AgentRetry, createClient } from "taskrun/client";
 *
 * const agent = await createClient().agents.get("charge");
 * const { attempts = 1, only }: AgentRetry = agent.retry;
 * console.log(attempts, only.length === 0 ? "after any error" : `after ${only.join(", ")}`);
 * ```
 */
export interface AgentRetry {
  /** Attempts, the first included. */
  readonly attempts?: number;
  readonly backoff?: Backoff | (string & {});
  readonly baseMs?: number;
  readonly maxMs?: number;
  /** The errors that are tried again, by name or code; all if it is empty. */
  readonly only: readonly string[];
}

/**
 * What an agent announces: the defaults of Tasks and steps that name it.
 *
 * @example
 * ```ts
 * import { type AgentAnnouncement, createClient } from "taskrun/client";
 *
 * const { timeoutMs, inputSchemaJson }: AgentAnnouncement = await createClient().agents.get("charge");
 * console.log(timeoutMs, inputSchemaJson === "" ? {} : JSON.parse(inputSchemaJson));
 * ```
 */
export interface AgentAnnouncement {
  readonly retry: AgentRetry;
  /** Limit of one attempt; 0 if there is none. */
  readonly timeoutMs: number;
  /** Runs of the agent that one Worker gets at a time; 0 for as many as the Worker takes. */
  readonly concurrency: number;
  /** JSON Schema of its input; empty if it announces none. */
  readonly inputSchemaJson: string;
}

/**
 * An agent that Workers have announced, whether or not one is connected now; or one that Steps wait for although no Worker
 * has ever announced it.
 *
 * @example
 * ```ts
 * import { type AnnouncedAgent, createClient } from "taskrun/client";
 *
 * for await (const agent of createClient().agents.list()) {
 *   const { name, workers, slots, waiting }: AnnouncedAgent = agent;
 *   if (workers === 0 && waiting > 0) console.warn(`${waiting} steps wait for ${name}, which no worker runs`);
 *   else console.log(name, `${slots} slots`);
 * }
 * ```
 */
export interface AnnouncedAgent extends AgentAnnouncement {
  readonly name: string;
  /** The namespace whose Tasks its Workers take, or whose Steps wait for it; empty for those of all namespaces. */
  readonly namespace: string;
  readonly description: string;
  /** Connected Workers that take its Runs, and how many these take at a time. */
  readonly workers: number;
  readonly slots: number;
  /** Ready Steps that wait for it, at most 10 000. */
  readonly waiting: number;
  /** Names what was announced; empty if nothing was. */
  readonly digest: string;
  /** When a Worker of it was connected last; 0 if none has ever announced it. */
  readonly lastSeenMs: number;
  /** True if new Tasks must have an input that fits the schema, because all connected Workers announce the same. */
  readonly schemaEnforced: boolean;
}
