import type { Labels } from "#domain/task/task";
import type { GetOverviewResponse } from "#wire/gen/taskrun/v1/task_service_pb";
import { toTask } from "./convert.js";
import type { Task } from "./views.js";

/**
 * How things are at the moment; see {@link Tasks.overview}.
 *
 * @example
 * ```ts
 * import { createClient, type Overview } from "taskrun/client";
 *
 * const { queues, rates }: Overview = await createClient().tasks.overview();
 * for (const { agent, waiting } of queues) console.log(agent, waiting);
 * console.log(`${(rates.failed * 1_000) / rates.windowMs} failures a second`);
 * ```
 */
export interface Overview {
  /** When it was made, in Unix milliseconds, by the clock of the server. */
  readonly atMs: number;
  /** Queues of ready Steps, those in which most wait first. */
  readonly queues: readonly QueueOverview[];
  /** How many more there are. */
  readonly moreQueues: number;
  readonly rates: TaskRates;
  /** Tasks that wait for a Worker and are first in their queues, the first created first; without Steps and results. */
  readonly oldest: readonly Task[];
  /** Tasks that have failed last, the latest first. */
  readonly failed: readonly Task[];
}

/**
 * What waits in one queue: the ready Steps of one namespace that the same Workers can take.
 *
 * @example
 * ```ts
 * import { createClient, type QueueOverview } from "taskrun/client";
 *
 * const queues: readonly QueueOverview[] = (await createClient().tasks.overview()).queues;
 * ```
 */
export interface QueueOverview {
  readonly namespace: string;
  readonly agent: string;
  /** Labels that a Worker must have. */
  readonly selector: Labels;
  /** Ready Steps; 1 000 means that many or more. */
  readonly waiting: number;
  /** The Task whose Step is the first in the queue. */
  readonly firstTaskId: string;
}

/**
 * How many Tasks were created, and have ended, in the last moments.
 *
 * @example
 * ```ts
 * import { createClient, type TaskRates } from "taskrun/client";
 *
 * const rates: TaskRates = (await createClient().tasks.overview()).rates;
 * ```
 */
export interface TaskRates {
  /** How long these moments were, in milliseconds. */
  readonly windowMs: number;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** True if there were more than are looked at: the numbers are too low. */
  readonly isLeast: boolean;
}

export function toOverview(answer: GetOverviewResponse): Overview {
  const { rates } = answer;
  return {
    atMs: Number(answer.atMs),
    queues: answer.queues.map(({ namespace, agentName, selector, waiting, firstTaskId }) => ({
      ...{ namespace, agent: agentName, selector, waiting, firstTaskId },
    })),
    moreQueues: answer.moreQueues,
    rates: {
      windowMs: Number(rates?.windowMs ?? 0),
      created: rates?.created ?? 0,
      completed: rates?.completed ?? 0,
      failed: rates?.failed ?? 0,
      cancelled: rates?.cancelled ?? 0,
      isLeast: rates?.isLeast ?? false,
    },
    oldest: answer.oldest.map(toTask),
    failed: answer.failed.map(toTask),
  };
}
