import type { RunId, TaskId } from "#domain/id";
import type { PauseSet } from "#domain/pause/pause-set";
import type { ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import { carries, type SessionRow } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { LaneView, Offer, Placement, Served, Slots } from "./messages.js";

/** A lane during one round: the next Step to place, and the workers that may take it. */
interface Queue {
  readonly namespace: string;
  readonly agentName: string;
  readonly ready: readonly ReadyStep[];
  readonly takers: readonly Taker[];
  next: number;
}

interface Taker {
  readonly session: SessionRow;
  held: number;
  /** How many more Runs of an agent it may get; absent for agents that announce no concurrency. */
  readonly left: Map<string, number> | undefined;
  /** The Tasks of which it gets no further Run; absent if it may have several of one. */
  readonly tasks: Set<TaskId> | undefined;
}

/**
 * Which ready Step gets which worker now. The namespace served least so far comes first, then the best
 * rank, which is age less priority; the worker with the smallest share of its slots taken gets it.
 */
export function choose(
  lanes: readonly LaneView[],
  workers: readonly Slots[],
  runIds: readonly RunId[],
  served: Served,
  at: Instant,
): { readonly placements: readonly Placement[]; readonly served: Served } {
  const takers = workers.map(takerOf);
  let queues = lanes.map((view) => queueOf(view, takers)).filter(({ takers }) => takers.length > 0);
  const count = begin(queues, served);
  const placements: Placement[] = [];

  while (placements.length < runIds.length && queues.length > 0) {
    const queue = best(queues, count);
    const pick = pickFrom(queue, at);
    if (!pick) {
      queues = queues.filter((other) => other !== queue);
      continue;
    }
    const { taskId, stepName } = pick.step;
    const runId = runIds[placements.length] as RunId;
    const { namespace } = queue;
    placements.push({ taskId, stepName, session: pick.taker.session.id, runId, namespace });
    take(pick.taker, queue.agentName, taskId);
    count[namespace] = (count[namespace] ?? 0) + 1;
  }
  return { placements, served: count };
}

/**
 * True if a worker may be given more: it may have as many bytes waiting for its transport as are still free for all,
 * but no more than one may have. Slow readers share the bound and cannot take all of it from a fast one. The last
 * assignment may exceed it, since otherwise the largest would never be sent.
 */
export function mayHaveMore(unsent: number, free: number): boolean {
  return unsent < Math.min(limits.unsentPerWorkerBytes, free);
}

/**
 * The placements for which there is room in bytes, in their order: as many as one turn may load, and as each worker
 * may have. What is left out is not counted as served.
 *
 * @param weights what each placement weighs in bytes; undefined for one that goes in a later turn
 */
export function affordable(
  placements: readonly Placement[],
  weights: readonly (number | undefined)[],
  { workers, free }: Pick<Offer, "workers" | "free">,
  served: Served,
): { readonly placements: readonly Placement[]; readonly served: Served } {
  const unsent = new Map(workers.map((worker) => [worker.session.id, worker.unsent]));
  const count = { ...served };
  let given = 0;
  const taken = placements.filter(({ session, namespace }, i) => {
    const weight = weights[i];
    const before = unsent.get(session);
    const fits =
      given < limits.turnAssignmentBytes && before !== undefined && mayHaveMore(before, free - given);
    if (weight !== undefined && fits) {
      given += weight;
      unsent.set(session, before + weight);
      return true;
    }
    count[namespace] = Math.max(0, (count[namespace] ?? 0) - 1);
    return false;
  });
  return { placements: taken, served: count };
}

function takerOf({ session, held, heldOf, heldTasks }: Slots): Taker {
  const tasks = heldTasks && new Set(heldTasks);
  if (!heldOf) return { session, held, left: undefined, tasks };
  const left = new Map<string, number>();
  for (const { name, announced } of session.info.agents) {
    if (announced && announced.concurrency > 0)
      left.set(name, announced.concurrency - (heldOf.get(name) ?? 0));
  }
  return { session, held, left, tasks };
}

function take(taker: Taker, agentName: string, taskId: TaskId): void {
  taker.held += 1;
  taker.tasks?.add(taskId);
  const left = taker.left?.get(agentName);
  if (left !== undefined) taker.left?.set(agentName, left - 1);
}

function queueOf({ lane, ready }: LaneView, all: readonly Taker[]): Queue {
  const { namespace, agentName } = lane;
  const takers = all.filter((taker) => hasRoom(taker, agentName) && mayTake(taker.session, lane));
  return { namespace, agentName, ready, takers, next: 0 };
}

/** True if the worker may get one more Run, and one more of this agent. */
function hasRoom({ session, held, left }: Taker, agentName: string): boolean {
  return held < session.capacity && (left?.get(agentName) ?? 1) > 0;
}

/** True if the worker runs the agent, carries the labels, and works for the namespace. */
export function mayTake(session: SessionRow, lane: LaneView["lane"]): boolean {
  return misfitOf(session, lane) === undefined;
}

/** True if workers may be given Steps of the lane: nothing that these are in is paused. */
export function isServed(lane: LaneView["lane"], pauses: PauseSet): boolean {
  return pauses.isEmpty || pauses.over(lane).length === 0;
}

/** True if the worker may be given anything: it is not paused. */
export function isOffered({ principal, info }: SessionRow, pauses: PauseSet): boolean {
  return pauses.isEmpty || !pauses.ofWorker(principal, info.workerId);
}

/** What keeps the worker from ever taking a Step of the lane; undefined if nothing does. */
export function misfitOf(
  { info }: SessionRow,
  { agentName, selector, namespace }: LaneView["lane"],
): "AGENT" | "NAMESPACE" | "LABELS" | undefined {
  if (!info.agents.some(({ name }) => name === agentName)) return "AGENT";
  if (info.namespaces.length > 0 && !info.namespaces.includes(namespace)) return "NAMESPACE";
  return carries(info.labels, selector) ? undefined : "LABELS";
}

/** A namespace that comes anew starts level with the one served least, not with a claim on the past. */
function begin(queues: readonly Queue[], served: Served): Record<string, number> {
  const present = [...new Set(queues.map(({ namespace }) => namespace))];
  const known = present.flatMap((namespace) => timesServed(served, namespace) ?? []);
  const least = known.length > 0 ? Math.min(...known) : 0;
  return Object.fromEntries(
    present.map((namespace) => [namespace, (timesServed(served, namespace) ?? least) - least]),
  );
}

/** A namespace is a client's word: one may be called `constructor`, which every object has. */
function timesServed(served: Served, namespace: string): number | undefined {
  return Object.hasOwn(served, namespace) ? served[namespace] : undefined;
}

function best(queues: readonly Queue[], count: Served): Queue {
  return queues.reduce((a, b) => {
    const byService = (count[a.namespace] ?? 0) - (count[b.namespace] ?? 0);
    return byService < 0 || (byService === 0 && rankAt(a) <= rankAt(b)) ? a : b;
  });
}

function rankAt({ ready, next }: Queue): number {
  return ready[next]?.rank ?? Number.POSITIVE_INFINITY;
}

function pickFrom(queue: Queue, at: Instant): { step: ReadyStep; taker: Taker } | undefined {
  for (; queue.next < queue.ready.length; queue.next += 1) {
    const step = queue.ready[queue.next] as ReadyStep;
    if (step.nextAttemptAt > at) continue;
    const avoided = step.avoidUntil > at ? step.avoidWorker : "";
    const taker =
      step.declines < limits.trustedDeclines
        ? leastLoaded(queue, avoided, step)
        : nextInTurn(queue, avoided, step);
    if (taker) {
      queue.next += 1;
      return { step, taker };
    }
    // Unless it is this Step alone, no slot is free for anyone in this lane.
    if (avoided === "" && !queue.takers.some((each) => each.tasks && hasRoom(each, queue.agentName)))
      return undefined;
  }
  return undefined;
}

/** Goes round: each further decline begins with another worker. */
function nextInTurn(
  { takers, agentName }: Queue,
  avoided: string,
  { taskId, declines }: ReadyStep,
): Taker | undefined {
  for (let i = 0; i < takers.length; i += 1) {
    const taker = takers[(declines + i) % takers.length] as Taker;
    if (taker.session.info.workerId === avoided || taker.tasks?.has(taskId)) continue;
    if (hasRoom(taker, agentName)) return taker;
  }
  return undefined;
}

function leastLoaded(
  { takers, agentName }: Queue,
  avoided: string,
  { taskId }: ReadyStep,
): Taker | undefined {
  let least: Taker | undefined;
  for (const taker of takers) {
    const { session, held } = taker;
    if (session.info.workerId === avoided || taker.tasks?.has(taskId)) continue;
    if (!hasRoom(taker, agentName)) continue;
    if (!least || held * least.session.capacity < least.held * session.capacity) least = taker;
  }
  return least;
}
