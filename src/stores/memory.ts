import { Fault } from "#domain/fault";
import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { Lane } from "#domain/lane";
import { isOver, type RunRow } from "#domain/run";
import { isSettled, type ReadyStep, readyStep, type StepRow } from "#domain/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task";
import { earliest, type Instant, NEVER } from "#domain/time";
import type { BootState, Commit, Committed, Deadline, Loaded, Needs, Reads, Store } from "#ports/store";
import { compare, type Kept, MemoryReads } from "./memory-reads.js";

/** The reference: everything in maps, nothing durable. Any other store must answer as this one does. */
export function memoryStore(): Store {
  return new MemoryStore();
}

class MemoryStore implements Store {
  readonly #tasks = new Map<TaskId, Kept>();
  readonly reads: Reads = new MemoryReads(this.#tasks);
  readonly #taskOfRun = new Map<RunId, TaskId>();
  readonly #taskOfKey = new Map<string, TaskId>();
  readonly #ready = new Map<string, StepRow>();
  readonly #deadlines = new Map<string, Deadline>();
  readonly #lanes = new Map<string, Lane>();
  #at: Instant = NEVER;

  async boot(): Promise<BootState> {
    const kept = [...this.#tasks.values()];
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
      nextDueAt: await this.nextDueAt(),
    };
  }

  async load(needs: Needs): Promise<Loaded> {
    const tasks = new Set<TaskRow>();
    const steps = new Set<StepRow>();
    const runs = new Set<RunRow>();
    const wantStep = ({ taskId, stepName }: StepKey) => {
      const kept = this.#tasks.get(taskId);
      const step = kept?.steps.get(stepName);
      if (kept) tasks.add(kept.task);
      if (step) steps.add(step);
    };

    for (const id of needs.wholeTasks ?? []) {
      for (const kept of this.#kept(id)) {
        tasks.add(kept.task);
        for (const step of kept.steps.values()) if (!isSettled(step.state)) steps.add(step);
        for (const run of kept.runs.values()) if (!isOver(run.status) || run.heldBy !== "") runs.add(run);
      }
    }
    for (const key of needs.steps ?? []) wantStep(key);
    for (const id of needs.runs ?? []) {
      const run = this.#run(id);
      if (run) runs.add(run) && wantStep(run);
    }
    for (const { namespace, key } of needs.keys ?? []) {
      const id = this.#taskOfKey.get(keyOf(namespace, key));
      if (id) for (const { task } of this.#kept(id)) tasks.add(task);
    }
    const inputs = new Map<TaskId, string>();
    for (const id of needs.inputs ?? []) {
      const input = this.#tasks.get(id)?.input;
      if (input !== undefined) inputs.set(id, input);
    }
    return { tasks: [...tasks], steps: [...steps], runs: [...runs], inputs };
  }

  async commit(turn: Commit): Promise<Committed> {
    this.#check(turn);

    for (const task of turn.tasks) this.#putTask(task);
    for (const step of turn.steps) this.#putStep(step);
    for (const run of turn.runs) {
      this.#have(run.taskId).runs.set(run.id, run);
      this.#taskOfRun.set(run.id, run.taskId);
    }
    for (const { taskId, json } of turn.inputs) this.#have(taskId).input = json;
    for (const { taskId, stepName, json } of turn.outputs) this.#have(taskId).outputs.set(stepName, json);
    const firstSeqs = turn.log.map(({ taskId, entries }) => {
      const { log } = this.#have(taskId);
      return log.push(...entries) - entries.length + 1;
    });
    for (const deadline of turn.deadlines) {
      if (deadline.at === NEVER) this.#deadlines.delete(deadlineKey(deadline));
      else this.#deadlines.set(deadlineKey(deadline), deadline);
    }
    for (const key of turn.lanesRemoved) this.#lanes.delete(key);
    for (const lane of turn.lanesAdded) this.#lanes.set(lane.key, lane);
    this.#at = turn.at;
    return { firstSeqs };
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    const waiting = [...this.#ready.values()].filter((step) => step.lane === lane);
    return waiting
      .sort((a, b) => a.rank - b.rank || compare(a.taskId, b.taskId) || compare(a.name, b.name))
      .slice(0, limit)
      .map(readyStep);
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return [...this.#deadlines.values()]
      .filter((deadline) => deadline.at <= at)
      .sort(byInstant)
      .slice(0, limit);
  }

  async nextDueAt(): Promise<Instant | undefined> {
    let next: Instant | undefined;
    for (const { at } of this.#deadlines.values()) next = earliest(next, at);
    return next;
  }

  async removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]> {
    const removed = [...this.#tasks.values()]
      .filter(({ task }) => isTerminal(task.state) && task.finishedAt !== NEVER && task.finishedAt < before)
      .filter(({ runs }) => [...runs.values()].every(({ heldBy }) => heldBy === ""))
      .sort((a, b) => a.task.finishedAt - b.task.finishedAt || compare(a.task.id, b.task.id))
      .slice(0, limit);

    for (const kept of removed) this.#remove(kept);
    return removed.map(({ task }) => task.id);
  }

  async close(): Promise<void> {}

  /** Everything that can refuse a commit, before anything is written. */
  #check(turn: Commit): void {
    const created = new Set(turn.tasks.map(({ id }) => id));
    const known = (id: TaskId) => invariant(created.has(id) || this.#tasks.has(id), `no task ${id}`);

    for (const task of turn.tasks) {
      const stored = this.#tasks.get(task.id)?.task;
      follows(stored, task, `task ${task.id}`);
      if (!stored) this.#checkKey(task, turn);
      const same = !stored || !isTerminal(stored.state) || stored.state === task.state;
      invariant(same, `task ${task.id} is ${stored?.state} for ever, not ${task.state}`);
    }
    for (const step of turn.steps) {
      known(step.taskId);
      follows(this.#tasks.get(step.taskId)?.steps.get(step.name), step, `step ${step.taskId}/${step.name}`);
    }
    for (const run of turn.runs) {
      known(run.taskId);
      const stored = this.#run(run.id);
      follows(stored, run, `run ${run.id}`);
      const same = !stored || !isOver(stored.status) || stored.status === run.status;
      invariant(same, `run ${run.id} is ${stored?.status} for ever, not ${run.status}`);
    }
    for (const { taskId } of [...turn.inputs, ...turn.outputs, ...turn.log]) known(taskId);
    for (const { taskId, at } of turn.deadlines) if (at !== NEVER) known(taskId);
  }

  #checkKey({ namespace, spec: { idempotencyKey: key } }: TaskRow, turn: Commit): void {
    if (key === "") return;
    const same = (other: TaskRow) => other.namespace === namespace && other.spec.idempotencyKey === key;
    const twice = turn.tasks.filter(same).length > 1;
    if (twice || this.#taskOfKey.has(keyOf(namespace, key))) {
      throw new Fault("conflict", `idempotency key ${key} of namespace ${namespace} is taken; load it again`);
    }
  }

  #putTask(task: TaskRow): void {
    const kept = this.#tasks.get(task.id);
    if (kept) {
      kept.task = task;
      return;
    }
    const empty = { steps: new Map(), runs: new Map(), outputs: new Map(), log: [] };
    this.#tasks.set(task.id, { task, input: undefined, ...empty });
    const { idempotencyKey } = task.spec;
    if (idempotencyKey !== "") this.#taskOfKey.set(keyOf(task.namespace, idempotencyKey), task.id);
  }

  #putStep(step: StepRow): void {
    const { taskId, name } = step;
    this.#have(taskId).steps.set(name, step);
    const key = stepKey({ taskId, stepName: name });
    if (step.state === "enqueued") this.#ready.set(key, step);
    else this.#ready.delete(key);
  }

  #remove({ task, steps, runs }: Kept): void {
    this.#tasks.delete(task.id);
    this.#taskOfKey.delete(keyOf(task.namespace, task.spec.idempotencyKey));
    for (const name of steps.keys()) this.#ready.delete(stepKey({ taskId: task.id, stepName: name }));
    for (const id of runs.keys()) this.#taskOfRun.delete(id);
    for (const [key, { taskId }] of this.#deadlines) if (taskId === task.id) this.#deadlines.delete(key);
  }

  #run(id: RunId): RunRow | undefined {
    const taskId = this.#taskOfRun.get(id);
    return taskId && this.#tasks.get(taskId)?.runs.get(id);
  }

  #kept(id: TaskId): readonly Kept[] {
    const kept = this.#tasks.get(id);
    return kept ? [kept] : [];
  }

  #have(id: TaskId): Kept {
    const kept = this.#tasks.get(id);
    invariant(kept, `no task ${id}`);
    return kept;
  }
}

function follows(
  stored: { readonly revision: number } | undefined,
  next: { readonly revision: number },
  what: string,
) {
  if (next.revision === (stored?.revision ?? 0) + 1) return;
  const found = stored ? `revision ${stored.revision}` : "nothing";
  throw new Fault("conflict", `${what}: revision ${next.revision} cannot follow ${found}; load it again`);
}

function keyOf(namespace: string, key: string): string {
  return JSON.stringify([namespace, key]);
}

function deadlineKey({ taskId, stepName, kind }: Deadline): string {
  return `${kind} ${stepKey({ taskId, stepName })}`;
}

function byInstant(a: Deadline, b: Deadline): number {
  return (
    a.at - b.at || compare(a.taskId, b.taskId) || compare(a.stepName, b.stepName) || compare(a.kind, b.kind)
  );
}
