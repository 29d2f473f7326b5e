import { Fault } from "#domain/fault";
import { isTerminal, type Labels, taskStates } from "#domain/task/task";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskPage } from "#ports/store-reads";
import type { CallerReads } from "../caller-reads.js";

/** The label of a Task whose agent is one of these. */
export const submittedLabel: Labels = { "orchestrator.submitted": "true" };

/** The states of Tasks that may wait for a worker still. */
const live = taskStates.filter((state) => !isTerminal(state));

/**
 * What workers run whose protocol does not let them say so: the agents that are configured, or else those that Tasks were submitted
 * for in the same protocol. These are remembered in memory, and found again by the labels of live Tasks: after a start, and where
 * another node was asked.
 */
export class SubmittedAgents {
  readonly #configured: readonly string[];
  /** By namespace and name, in the order in which they were last asked for. */
  readonly #asked = new Map<string, { readonly namespace: string; readonly name: string }>();
  /** When Tasks were last looked through, by the namespaces of who looked. */
  readonly #looked = new Map<string, Instant>();

  /** @param configured none for those that Tasks are submitted for */
  constructor(configured: readonly string[]) {
    this.#configured = configured;
  }

  /** Call when a Task was submitted. */
  note(namespace: string, name: string): void {
    const key = JSON.stringify([namespace, name]);
    this.#asked.delete(key);
    this.#asked.set(key, { namespace, name });
    const [oldest] = this.#asked.keys();
    if (this.#asked.size > limits.submittedAgents && oldest !== undefined) this.#asked.delete(oldest);
  }

  /**
   * Looks through live Tasks, unless that was done a short while ago or the agents are configured. If they cannot be read now, what
   * is known has to do until the next time: no worker loses its stream by it.
   */
  async look(reads: CallerReads, namespaces: readonly string[] | "*", now: Instant): Promise<void> {
    if (this.#configured.length > 0) return;
    const key = JSON.stringify(namespaces);
    const looked = this.#looked.get(key);
    if (looked !== undefined && now < later(looked, limits.submittedEvery)) return;
    if (this.#looked.size >= limits.submittedAgents) this.#looked.clear();
    this.#looked.set(key, now);
    const filter = { namespaces, states: live, labels: submittedLabel };
    const { tasks } = await reads.tasks(filter, undefined, limits.submittedRows).catch(nothingRead);
    for (const { namespace, spec } of tasks.toReversed()) {
      const { agentName } = spec;
      // A label may be anybody's: a Task of a template can have it too.
      if (agentName === "" || this.#asked.has(JSON.stringify([namespace, agentName]))) continue;
      this.note(namespace, agentName);
    }
  }

  /** What a worker of these namespaces runs, at most as many as one may: the latest, in the order of their names. */
  for(namespaces: readonly string[] | "*", mayRun: (name: string) => boolean): readonly string[] {
    if (this.#configured.length > 0) return this.#configured.filter(mayRun);
    const names = new Set<string>();
    for (const { namespace, name } of [...this.#asked.values()].reverse()) {
      if (names.size >= limits.agentsPerWorker) break;
      if ((namespaces === "*" || namespaces.includes(namespace)) && mayRun(name)) names.add(name);
    }
    return [...names].toSorted();
  }
}

function nothingRead(error: unknown): TaskPage {
  if (error instanceof Fault) return { tasks: [], next: undefined };
  throw error;
}
