import { z } from "zod";
import type { TaskId } from "#domain/id";
import { type Lane, laneOfKey } from "#domain/task/lane";
import type { TaskRow } from "#domain/task/task";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Lately, Queue } from "#ports/store-reads";
import { type Request, readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";

/** How things are at the moment, in the namespaces of a request. */
export interface Overview {
  readonly at: Instant;
  /** Those in which most wait first. */
  readonly queues: readonly (Pick<Queue, "waiting"> & { readonly lane: Lane; readonly first: TaskId })[];
  /** How many more there are. */
  readonly moreQueues: number;
  readonly lately: Lately;
  /** First in their queues, the first created first. */
  readonly oldest: readonly TaskRow[];
  /** The latest first. */
  readonly failed: readonly TaskRow[];
}

/** GetOverview: what waits, what happened lately, who has waited longest, and what failed last. Bounded, and writes nothing. */
export const getOverview = useCase({
  action: "task.overview",
  input: z.object({ namespace: optionalName }),
  answerBytes: limits.pageBytes,
  find: ({ namespace }, { caller }) => {
    const namespaces = namespace === "" ? caller.namespaces : [namespace];
    return { resource: { kind: "namespaces" as const, namespaces } };
  },
  perform: async (_, request, { resource: { namespaces } }): Promise<Overview> => {
    const reads = readsOf(request);
    const at = request.services.plane.now();
    const lanes = lanesOf(request, namespaces);
    const found = await reads.queues(lanes.slice(0, limits.overviewLanes), {
      counted: limits.overviewWaiting,
      first: limits.overviewTasks,
    });
    const waiting = found.filter(({ first }) => first.length > 0).sort((a, b) => b.waiting - a.waiting);
    const queues = waiting
      .slice(0, limits.overviewQueues)
      .flatMap(({ lane: key, waiting, first: [first] }) => {
        const lane = laneOfKey(key);
        return lane && first ? [{ lane, waiting, first }] : [];
      });
    const since = instant(Math.max(0, at - limits.overviewWindow));
    return {
      at,
      queues,
      moreQueues: Math.max(0, lanes.length - limits.overviewLanes) + waiting.length - queues.length,
      lately: await reads.lately(namespaces, since, limits.overviewRows),
      oldest: await oldestOf(waiting, namespaces, request),
      failed: await reads.lastFailed(namespaces, limits.overviewEnded, limits.overviewTasks),
    };
  },
  hidden: (): Overview => ({
    at: instant(0),
    queues: [],
    moreQueues: 0,
    lately: { created: 0, ended: {}, isCut: false },
    oldest: [],
    failed: [],
  }),
});

/** The lanes with ready Steps that the caller may see. */
function lanesOf({ services, caller }: Request, namespaces: readonly string[] | "*"): readonly string[] {
  const agents = services.plane.agents({ ...caller, namespaces });
  return [...new Set(agents.flatMap(({ lanes }) => lanes))];
}

async function oldestOf(
  queues: readonly Queue[],
  namespaces: readonly string[] | "*",
  request: Request,
): Promise<readonly TaskRow[]> {
  const ids = [...new Set(queues.flatMap(({ first }) => first))].sort().slice(0, limits.overviewTasks);
  const reads = readsOf(request);
  const pages = await Promise.all(ids.map((idPrefix) => reads.tasks({ namespaces, idPrefix }, undefined, 1)));
  return pages.flatMap(({ tasks }) => tasks);
}
