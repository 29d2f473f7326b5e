import { stepKey, type TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { Needs } from "#domain/needs";
import {
  forKinds,
  type Revisioned,
  rowKind,
  singleKindNames,
  type TextKindName,
  textKindNames,
  textPlace,
} from "#domain/row-kinds";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import { type Deadline, startsAmong } from "#domain/task/deadline";
import type { Lane } from "#domain/task/lane";
import { isDue, type RetentionTerms, termsOf } from "#domain/task/retention";
import { type ReadyStep, readyStep, type StepRow } from "#domain/task/step";
import { isKept, isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { earliest, type Instant, NEVER } from "#domain/time/time";
import { type AgentRow, agentKey } from "#domain/worker/agent";
import type { WorkerKey } from "#domain/worker/worker-row";
import type { CredentialStore } from "#ports/credentials";
import type { FiguresPage, Store } from "#ports/store";
import type { Reads } from "#ports/store-reads";
import type { BootState, Commit, Committed, Loaded } from "#ports/store-turns";
import { MemoryAudit } from "./audit.js";
import { check, ownedKey } from "./check.js";
import { MemoryCredentials } from "./credentials.js";
import { MemoryEnrolment } from "./enrolment.js";
import { MemoryFigures } from "./figures.js";
import { loadFrom } from "./load.js";
import { MemoryPauses } from "./pauses.js";
import { type Kept, keyOf, MemoryReads, type MemoryTables } from "./reads.js";
import { compare, MemoryTemplates } from "./templates.js";
import { MemoryUsage } from "./usage.js";
import { MemoryUsageSums } from "./usage-sums.js";

/** See `memoryStore`. */
export class MemoryStore implements Store {
  readonly #tables: MemoryTables = {
    tasks: new Map(),
    taskOfRun: new Map(),
    taskOfKey: new Map(),
    templates: new MemoryTemplates(),
    singles: new Map(singleKindNames.map((name) => [name, new Map<string, Revisioned>()])),
    ready: new Map(),
    usageSums: new MemoryUsageSums(),
  };
  readonly reads: Reads = new MemoryReads(this.#tables);
  readonly audit = new MemoryAudit();
  readonly credentials: CredentialStore = new MemoryCredentials((append) => this.audit.add(append));
  readonly enrolment = new MemoryEnrolment((append) => this.audit.add(append));
  readonly usage = new MemoryUsage();
  readonly #agents = new Map<string, AgentRow>();
  readonly #pauses = new MemoryPauses();
  readonly #figures = new MemoryFigures(this.#tables);
  readonly #deadlines = new Map<string, Deadline>();
  readonly #lanes = new Map<string, Lane>();
  #at: Instant = NEVER;

  async boot(): Promise<BootState> {
    const kept = [...this.#tables.tasks.values()];
    const waiting = new Map<string, number>();
    for (const { task } of kept) {
      if (taskStatus(task) === "PENDING") waiting.set(task.namespace, (waiting.get(task.namespace) ?? 0) + 1);
    }
    const held = kept.flatMap(({ runs }) => [...runs.values()].filter(({ heldBy }) => heldBy !== ""));

    return {
      at: this.#at,
      lanes: [...this.#lanes.values()],
      held,
      waiting,
      templates: this.#tables.templates.counts(),
      agents: [...this.#agents.values()],
      pauses: this.#pauses.all(),
      nextDueAt: await this.nextDueAt(),
    };
  }

  async load(needs: Needs): Promise<Loaded> {
    return loadFrom(this.#tables, needs);
  }

  async commit(turn: Commit): Promise<Committed> {
    check(this.#tables, turn);

    for (const task of turn.tasks) this.#putTask(task);
    for (const step of turn.steps) this.#putStep(step);
    for (const run of turn.runs) {
      this.#have(run.taskId).runs.set(run.id, run);
      this.#tables.taskOfRun.set(run.id, run.taskId);
    }
    for (const [name, rows] of this.#tables.singles) {
      for (const row of turn[name]) rows.set(rowKind(name).idOf(row), row);
    }
    for (const kind of textKindNames) {
      for (const text of turn[kind]) {
        const [taskId, name] = textPlace(text);
        this.#have(taskId).texts[kind].set(name, text.json);
      }
    }
    for (const { from, to } of turn.copies ?? []) {
      const json = this.#have(from.taskId).texts.outputs.get(from.stepName) ?? "";
      this.#have(to.taskId).texts.outputs.set(to.stepName, json);
    }
    for (const template of turn.templates) this.#tables.templates.add(template);
    const firstSeqs = turn.log.map(({ taskId, entries }) => {
      const { log } = this.#have(taskId);
      return log.push(...entries) - entries.length + 1;
    });
    for (const deadline of turn.deadlines) {
      if (deadline.at === NEVER) this.#deadlines.delete(deadlineKey(deadline));
      else this.#deadlines.set(deadlineKey(deadline), deadline);
    }
    // A commit that says on what it rests is one of several processes: none of them knows all that waits in a lane.
    for (const key of turn.lanesRemoved) if (!turn.read || !this.#isWaitedIn(key)) this.#lanes.delete(key);
    for (const lane of turn.lanesAdded) this.#lanes.set(lane.key, lane);
    for (const key of turn.agentsForgotten) this.#agents.delete(agentKey(key));
    for (const row of turn.agents) this.#agents.set(agentKey(row), row);
    if (turn.pauses) this.#pauses.change(turn.pauses);
    if (turn.used) this.#tables.usageSums.add(turn.used);
    if (turn.audit) this.audit.add(turn.audit);
    this.#at = turn.at;
    return { firstSeqs };
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    const waiting = [...this.#tables.ready.values()].filter((step) => step.lane === lane);
    return waiting
      .sort((a, b) => a.rank - b.rank || compare(a.taskId, b.taskId) || compare(a.name, b.name))
      .slice(0, limit)
      .map(readyStep);
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    const due = this.deadlinesUntil(at);
    const others = due.filter(({ kind }) => kind !== "start").slice(0, limit);
    const starts = due.filter(({ kind }) => kind === "start").slice(0, startsAmong(limit, others.length));
    return [...others, ...starts];
  }

  /** All that are due at `at` or before, the earliest first. */
  deadlinesUntil(at: number): readonly Deadline[] {
    return [...this.#deadlines.values()].filter((deadline) => deadline.at <= at).sort(byInstant);
  }

  async nextDueAt(): Promise<Instant | undefined> {
    let next: Instant | undefined;
    for (const { at } of this.#deadlines.values()) next = earliest(next, at);
    return next;
  }

  async removeFinished(
    before: Instant | RetentionTerms,
    limit: number,
    archive?: (ids: readonly TaskId[]) => Promise<void>,
  ): Promise<readonly TaskId[]> {
    const terms = termsOf(before);
    const { pendingSince = NEVER } = terms;
    const letters = (this.#tables.singles.get("deadLetters") ?? new Map()) as ReadonlyMap<
      string,
      DeadLetterRow
    >;
    const isPending = (id: TaskId) => {
      const letter = letters.get(id);
      return letter?.status === "PENDING" && letter.createdAt >= pendingSince;
    };
    const removed = [...this.#tables.tasks.values()]
      .filter(({ task }) => isTerminal(task.state) && task.finishedAt !== NEVER && isDue(task, terms))
      .filter(({ runs }) => [...runs.values()].every(({ heldBy }) => heldBy === ""))
      .filter(({ task }) => !isPending(task.id))
      .filter(({ task }) => !isKept(task, (id) => this.#tables.tasks.get(id)?.task))
      .sort((a, b) => a.task.finishedAt - b.task.finishedAt || compare(a.task.id, b.task.id))
      .slice(0, limit);

    const ids = removed.map(({ task }) => task.id);
    if (ids.length > 0) await archive?.(ids);
    for (const kept of removed) this.#remove(kept);
    return ids;
  }

  async figures(after: TaskId | undefined, limit: number): Promise<FiguresPage> {
    return this.#figures.page(after, limit);
  }

  /** Removes the row of a worker, of several nodes' store. */
  removeWorker(key: WorkerKey): void {
    this.#tables.singles.get("workers")?.delete(key);
  }

  async close(): Promise<void> {}

  #putTask(task: TaskRow): void {
    const { tasks } = this.#tables;
    const kept = tasks.get(task.id);
    if (kept) kept.task = task;
    else {
      const texts = forKinds<Record<TextKindName, Map<string, string>>>(textKindNames, () => new Map());
      tasks.set(task.id, { task, steps: new Map(), runs: new Map(), texts, log: [] });
    }
    const key = ownedKey(task);
    if (key === undefined) this.#releaseKey(task);
    else this.#tables.taskOfKey.set(key, task.id);
  }

  /** Releases the Task's idempotency key, unless another Task has taken it over. */
  #releaseKey({ id, namespace, spec }: TaskRow): void {
    const key = keyOf(namespace, spec.idempotencyKey);
    if (this.#tables.taskOfKey.get(key) === id) this.#tables.taskOfKey.delete(key);
  }

  #putStep(step: StepRow): void {
    const { taskId, name } = step;
    this.#have(taskId).steps.set(name, step);
    const key = stepKey({ taskId, stepName: name });
    if (step.state === "enqueued") this.#tables.ready.set(key, step);
    else this.#tables.ready.delete(key);
  }

  #remove({ task, steps, runs }: Kept): void {
    this.#tables.tasks.delete(task.id);
    this.#releaseKey(task);
    for (const name of steps.keys()) this.#tables.ready.delete(stepKey({ taskId: task.id, stepName: name }));
    for (const id of runs.keys()) this.#tables.taskOfRun.delete(id);
    for (const [name, rows] of this.#tables.singles) {
      const { taskOf } = rowKind(name);
      for (const [id, row] of rows) if (taskOf?.(row) === task.id) rows.delete(id);
    }
    for (const [key, { taskId }] of this.#deadlines) if (taskId === task.id) this.#deadlines.delete(key);
  }

  #isWaitedIn(laneKey: string): boolean {
    for (const { lane } of this.#tables.ready.values()) if (lane === laneKey) return true;
    return false;
  }

  #have(id: TaskId): Kept {
    const kept = this.#tables.tasks.get(id);
    invariant(kept, `no task ${id}`);
    return kept;
  }
}

export function deadlineKey({ taskId, stepName, kind }: Deadline): string {
  return `${kind} ${stepKey({ taskId, stepName })}`;
}

function byInstant(a: Deadline, b: Deadline): number {
  return (
    a.at - b.at || compare(a.taskId, b.taskId) || compare(a.stepName, b.stepName) || compare(a.kind, b.kind)
  );
}
