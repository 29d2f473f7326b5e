import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { laneOfKey } from "#domain/task/lane";
import { isTerminal, type Labels, type TaskRow, taskStates } from "#domain/task/task";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Plane } from "#ports/plane";
import type { TaskPage } from "#ports/store-reads";
import type { CallerReads } from "../caller-reads.js";

/** The label of a Task whose agent is one of these. */
export const submittedLabel: Labels = { "orchestrator.submitted": "true" };

/** The states of Tasks that may wait for a worker still. */
const live = taskStates.filter((state) => !isTerminal(state));

/** A worker whose agents are asked for. */
export interface Serving {
  readonly reads: CallerReads;
  readonly plane: Pick<Plane, "agents" | "now">;
  readonly caller: Caller;
  readonly mayRun: (name: string) => boolean;
}

interface Asked {
  readonly namespace: string;
  readonly name: string;
  /** When it was last asked for, or seen to be waited for. */
  seenAt: Instant;
}

interface Looked {
  readonly at: Instant;
  /** Where the next look goes on, behind the newest Tasks; undefined to begin anew. */
  next: TaskId | undefined;
}

/**
 * What workers run whose protocol does not let them say so: the agents that are configured, or else those that Tasks were submitted
 * for in the same protocol. These are remembered in memory, and found again by the labels of live Tasks: after a start, and where
 * another node was asked.
 */
export class SubmittedAgents {
  readonly #configured: readonly string[];
  /** By namespace and name, in the order in which they were last asked for. */
  readonly #asked = new Map<string, Asked>();
  /** When Tasks were last looked through, by the namespaces of who looked. */
  readonly #looked = new Map<string, Looked>();

  /** @param configured none for those that Tasks are submitted for */
  constructor(configured: readonly string[]) {
    this.#configured = configured;
  }

  /** Call when a Task was submitted. */
  note(namespace: string, name: string, now: Instant): void {
    const key = keyOf(namespace, name);
    this.#asked.delete(key);
    this.#asked.set(key, { namespace, name, seenAt: now });
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > limits.submittedAgents && oldest !== undefined) this.#asked.delete(oldest);
  }

  /**
   * What a worker runs, at most as many as one may, in the order of their names: those that Steps wait for now, then the latest.
   * Where more are waited for than one worker may name, they take turns.
   */
  async namesFor(worker: Serving): Promise<readonly string[]> {
    if (this.#configured.length > 0) return this.#configured.filter(worker.mayRun);
    await this.#look(worker);
    const { caller, mayRun, plane } = worker;
    const all = [...this.#asked].filter(
      ([, { namespace, name }]) => mayUse(caller, namespace) && mayRun(name),
    );
    const latest = unique(all.toReversed());
    if (latest.length <= limits.agentsPerWorker) return latest.toSorted();

    const awaited = awaitedBy(worker);
    const waiting = unique(all.filter(([key]) => awaited.has(key)));
    const turn = Math.floor(plane.now() / limits.submittedEvery) * limits.agentsPerWorker;
    const first = waiting.length > limits.agentsPerWorker ? turn % waiting.length : 0;
    const inTurn = [...waiting.slice(first), ...waiting.slice(0, first)];
    return [...new Set([...inTurn, ...latest])].slice(0, limits.agentsPerWorker).toSorted();
  }

  /**
   * Looks through live Tasks, unless that was done a short while ago, or all that waits is known. If they cannot be read now, what
   * is known has to do until the next time: no worker loses its stream by it.
   */
  async #look(worker: Serving): Promise<void> {
    const now = worker.plane.now();
    const key = JSON.stringify(worker.caller.namespaces);
    const looked = this.#looked.get(key);
    if (looked !== undefined && now < later(looked.at, limits.submittedEvery)) return;
    if (this.#looked.size >= limits.submittedAgents) this.#looked.clear();
    const looking: Looked = { at: now, next: undefined };
    this.#looked.set(key, looking);
    const awaited = awaitedBy(worker);
    this.#forgetOld(awaited, worker.caller, now);
    const isKnown = () => [...awaited].every((each) => this.#asked.has(each));
    if (looked && isKnown()) return;
    // What other nodes were asked for just now is among the newest; the rest is gone through behind them, to its end and then anew.
    const newest = await this.#read(worker, undefined);
    looking.next = looked?.next ?? newest;
    for (let page = 0; page < limits.submittedPages && looking.next !== undefined && !isKnown(); page += 1) {
      looking.next = await this.#read(worker, looking.next);
    }
  }

  /** Notes what a page of live Tasks names. Returns where the next one begins; undefined at the end. */
  async #read({ reads, caller, plane }: Serving, before: TaskId | undefined): Promise<TaskId | undefined> {
    const filter = { namespaces: caller.namespaces, states: live, labels: submittedLabel };
    const { tasks, next } = await reads.tasks(filter, before, limits.submittedRows).catch(nothingRead);
    for (const task of tasks.toReversed()) this.#noteFound(task, plane.now());
    return next;
  }

  #noteFound({ namespace, spec: { agentName } }: TaskRow, now: Instant): void {
    // A label may be anybody's: a Task of a template can have it too.
    if (agentName === "" || this.#asked.has(keyOf(namespace, agentName))) return;
    this.note(namespace, agentName, now);
  }

  /** Forgets what was not asked for in a long time, unless something waits for it. */
  #forgetOld(awaited: ReadonlySet<string>, caller: Caller, now: Instant): void {
    for (const [key, asked] of this.#asked) {
      if (awaited.has(key)) asked.seenAt = now;
      const isOld = now >= later(asked.seenAt, limits.submittedKept);
      if (isOld && mayUse(caller, asked.namespace)) this.#asked.delete(key);
    }
  }
}

/** The agents that ready Steps wait for in the namespaces of the worker, whichever node made them ready. */
function awaitedBy({ plane, caller }: Serving): ReadonlySet<string> {
  const lanes = plane.agents(caller).flatMap((agent) => agent.lanes.map(laneOfKey));
  return new Set(lanes.flatMap((lane) => (lane ? [keyOf(lane.namespace, lane.agentName)] : [])));
}

function unique(asked: readonly (readonly [string, Asked])[]): readonly string[] {
  return [...new Set(asked.map(([, { name }]) => name))];
}

function keyOf(namespace: string, name: string): string {
  return JSON.stringify([namespace, name]);
}

function nothingRead(error: unknown): TaskPage {
  if (error instanceof Fault) return { tasks: [], next: undefined };
  throw error;
}
