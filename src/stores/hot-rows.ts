import type { RunId, TaskId } from "#domain/id";
import { isOver, type RunRow } from "#domain/run";
import { isSettled, type StepRow } from "#domain/step";
import { isTerminal, type TaskRow } from "#domain/task";
import type { Instant } from "#domain/time";
import type { BootState, Commit, Committed, Deadline, Loaded, Needs, Reads, Store } from "#ports/store";

/** Live Tasks kept: more than workers of one node are busy with, at some 3 KB each. */
const FAMILIES_MAX = 10_000;
/** Larger inputs are read again when their Task is assigned. */
const INPUT_CHARS_MAX = 4_096;

/** The rows of one Task, as last committed. */
interface Family {
  task: TaskRow;
  /** True if no live Step or Run of it is missing here. */
  whole: boolean;
  input: string | undefined;
  readonly steps: Map<string, StepRow>;
  readonly runs: Map<RunId, RunRow>;
}

/**
 * A store that remembers the rows of live Tasks it has lately committed, so that a turn about them
 * reads nothing. Rows are still written under their revision: should the store have moved on behind its
 * back, the commit is refused, everything remembered is forgotten, and the turn is decided again.
 */
export function hotRows(store: Store): Store {
  return new HotRows(store);
}

class HotRows implements Store {
  readonly reads: Reads;
  readonly #store: Store;
  /** Least lately committed first. */
  readonly #families = new Map<TaskId, Family>();
  readonly #taskOfRun = new Map<RunId, TaskId>();

  constructor(store: Store) {
    this.#store = store;
    this.reads = store.reads;
  }

  async load(needs: Needs): Promise<Loaded> {
    const found = { tasks: new Set<TaskRow>(), steps: new Set<StepRow>(), runs: new Set<RunRow>() };
    const inputs = new Map<TaskId, string>();
    const missing: Needs = {
      keys: needs.keys ?? [],
      tasks: (needs.tasks ?? []).filter((id) => !this.#findTask(id, found)),
      wholeTasks: (needs.wholeTasks ?? []).filter((id) => !this.#findWhole(id, found)),
      steps: (needs.steps ?? []).filter(({ taskId, stepName }) => !this.#findStep(taskId, stepName, found)),
      runs: (needs.runs ?? []).filter((id) => !this.#findRun(id, found)),
      inputs: (needs.inputs ?? []).filter((id) => {
        const input = this.#families.get(id)?.input;
        if (input !== undefined) inputs.set(id, input);
        return input === undefined;
      }),
    };
    const hot: Loaded = { tasks: [...found.tasks], steps: [...found.steps], runs: [...found.runs], inputs };
    if (Object.values(missing).every((ids: readonly unknown[]) => ids.length === 0)) return hot;

    const cold = await this.#store.load(missing);
    return {
      tasks: [...hot.tasks, ...cold.tasks],
      steps: [...hot.steps, ...cold.steps],
      runs: [...hot.runs, ...cold.runs],
      inputs: new Map([...hot.inputs, ...cold.inputs]),
    };
  }

  async commit(turn: Commit): Promise<Committed> {
    try {
      const committed = await this.#store.commit(turn);
      this.#remember(turn);
      return committed;
    } catch (error) {
      this.#families.clear();
      this.#taskOfRun.clear();
      throw error;
    }
  }

  async removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]> {
    const removed = await this.#store.removeFinished(before, limit);
    for (const taskId of removed) this.#forget(taskId);
    return removed;
  }

  boot(): Promise<BootState> {
    return this.#store.boot();
  }

  ready(lane: string, limit: number) {
    return this.#store.ready(lane, limit);
  }

  due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return this.#store.due(at, limit);
  }

  nextDueAt(): Promise<Instant | undefined> {
    return this.#store.nextDueAt();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #findTask(id: TaskId, { tasks }: Found): boolean {
    const family = this.#families.get(id);
    if (family) tasks.add(family.task);
    return family !== undefined;
  }

  #findStep(taskId: TaskId, stepName: string, { tasks, steps }: Found): boolean {
    const family = this.#families.get(taskId);
    const step = family?.steps.get(stepName);
    if (!family || !step) return false;
    tasks.add(family.task);
    steps.add(step);
    return true;
  }

  #findRun(id: RunId, found: Found): boolean {
    const taskId = this.#taskOfRun.get(id);
    const run = taskId && this.#families.get(taskId)?.runs.get(id);
    if (!run || !this.#findStep(run.taskId, run.stepName, found)) return false;
    found.runs.add(run);
    return true;
  }

  #findWhole(id: TaskId, { tasks, steps, runs }: Found): boolean {
    const family = this.#families.get(id);
    if (!family?.whole) return false;
    tasks.add(family.task);
    for (const step of family.steps.values()) if (!isSettled(step.state)) steps.add(step);
    for (const run of family.runs.values()) if (isAlive(run)) runs.add(run);
    return true;
  }

  #remember({ tasks, steps, runs, inputs }: Commit): void {
    for (const task of tasks) {
      const known = this.#families.get(task.id);
      this.#families.delete(task.id);
      if (known) known.task = task;
      const isNew = task.revision === 1;
      const family = known ?? { task, whole: isNew, input: undefined, steps: new Map(), runs: new Map() };
      this.#families.set(task.id, family);
    }
    for (const step of steps) this.#families.get(step.taskId)?.steps.set(step.name, step);
    for (const run of runs) {
      const family = this.#families.get(run.taskId);
      if (!family) continue;
      family.runs.set(run.id, run);
      this.#taskOfRun.set(run.id, run.taskId);
    }
    for (const { taskId, json } of inputs) {
      const family = this.#families.get(taskId);
      if (family && json.length <= INPUT_CHARS_MAX) family.input = json;
    }
    for (const { id } of tasks) this.#forgetIfEnded(id);
    for (const { taskId } of runs) this.#forgetIfEnded(taskId);
    for (const id of this.#families.keys()) {
      if (this.#families.size <= FAMILIES_MAX) break;
      this.#forget(id);
    }
  }

  #forgetIfEnded(taskId: TaskId): void {
    const family = this.#families.get(taskId);
    if (family && isTerminal(family.task.state) && ![...family.runs.values()].some(isAlive))
      this.#forget(taskId);
  }

  #forget(taskId: TaskId): void {
    for (const runId of this.#families.get(taskId)?.runs.keys() ?? []) this.#taskOfRun.delete(runId);
    this.#families.delete(taskId);
  }
}

interface Found {
  readonly tasks: Set<TaskRow>;
  readonly steps: Set<StepRow>;
  readonly runs: Set<RunRow>;
}

/** Live, or in a worker's hands: what a whole Task is loaded with. */
function isAlive({ status, heldBy }: RunRow): boolean {
  return heldBy !== "" || !isOver(status);
}
