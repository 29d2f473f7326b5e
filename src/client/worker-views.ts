import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import type { WorkerStatus } from "#domain/worker/worker";
import type { AgentAnnouncement } from "./agent-views.js";
import type { Pause } from "./pauses.js";

/**
 * A connected Worker process.
 *
 * @example
 * ```ts
 * import { createClient, type Worker } from "taskrun/client";
 *
 * const workers: readonly Worker[] = await createClient().workers.list();
 * const free = workers.filter(({ activeRuns, maxConcurrentRuns }) => activeRuns < maxConcurrentRuns);
 * ```
 */
export interface Worker {
  readonly id: string;
  readonly hostname: string;
  readonly version: string;
  readonly status: WorkerStatus | "UNSPECIFIED";
  readonly agents: readonly Agent[];
  readonly labels: Labels;
  readonly activeRuns: number;
  readonly maxConcurrentRuns: number;
  readonly lastHeartbeatMs: number;
  /** Present if it is paused itself: it is given nothing. */
  readonly pause?: Pause;
  /** Whose Tasks it takes, of those that the caller may use; empty for all that its principal may use. */
  readonly namespaces: readonly string[];
}

/**
 * An agent that a Worker serves.
 *
 * @example
 * ```ts
 * import { type Agent, createClient } from "taskrun/client";
 *
 * const workers = await createClient().workers.list();
 * const agents: Agent[] = workers.flatMap((worker) => worker.agents);
 * ```
 */
export interface Agent extends AgentAnnouncement {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly ModelBackend[];
}
