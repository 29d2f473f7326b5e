import { runStatuses } from "#domain/run";
import { stepStates } from "#domain/step";
import { isTerminal, type TaskRow, taskStates } from "#domain/task";
import { instant, NEVER } from "#domain/time";
import type { Commit, Store } from "#ports/store";
import type { Arbitrary, FastCheck } from "./store-suite-kit.js";
import {
  commit,
  deadline,
  lane,
  line,
  run,
  runId,
  sessionId,
  spec,
  step,
  task,
  taskId,
} from "./store-suite-rows.js";

/** Few of each, so that edits meet. */
export const taskIds = [taskId(1), taskId(2), taskId(3)] as const;
export const stepNames = ["a", "b"] as const;
export const runIds = [runId(1), runId(2), runId(3)] as const;
export const laneKeys = [lane.key, "other"] as const;

/** One row of a commit, drawn without knowing what is stored. */
export interface Edit {
  readonly what: "task" | "step" | "run" | "input" | "output" | "log" | "deadline" | "lane" | "remove lane";
  readonly taskId: (typeof taskIds)[number];
  readonly stepName: (typeof stepNames)[number];
  readonly runId: (typeof runIds)[number];
  /** Added to the revision that would be right. */
  readonly drift: number;
  /** Whatever else the row needs: states, ranks, instants, texts. */
  readonly number: number;
  readonly flag: boolean;
}

export function editOf(fc: FastCheck): Arbitrary<Edit> {
  const kinds: readonly Edit["what"][] = [
    "task",
    "task",
    "step",
    "step",
    "run",
    "run",
    "input",
    "output",
    "log",
    "log",
    "deadline",
    "lane",
    "remove lane",
  ];
  return fc.record({
    what: fc.constantFrom(...kinds),
    taskId: fc.constantFrom(...taskIds),
    stepName: fc.constantFrom(...stepNames),
    runId: fc.constantFrom(...runIds),
    drift: fc.oneof(
      { weight: 30, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(-1, 1) },
    ),
    number: fc.integer({ min: 0, max: 119 }),
    flag: fc.boolean(),
  });
}

/** A commit of these edits at the revisions the model has now; the first edit of a row counts. */
export async function edited(model: Store, at: number, edits: readonly Edit[]): Promise<Commit> {
  const { tasks, steps, runs } = await model.load({
    steps: taskIds.flatMap((id) => stepNames.map((stepName) => ({ taskId: id, stepName }))),
    runs: runIds,
  });
  const of = (what: Edit["what"], keyOf: (edit: Edit) => string) => {
    const found = new Map<string, Edit>();
    for (const edit of edits) if (edit.what === what && !found.has(keyOf(edit))) found.set(keyOf(edit), edit);
    return [...found.values()];
  };

  return commit({
    at: instant(at),
    tasks: of("task", (edit) => edit.taskId).map((edit) =>
      editTask(
        tasks.find(({ id }) => id === edit.taskId),
        edit,
        at,
      ),
    ),
    steps: of("step", (edit) => edit.taskId + edit.stepName).map((edit) => {
      const { taskId: id, stepName: name, number, drift, flag } = edit;
      const stored = steps.find((row) => row.taskId === id && row.name === name);
      return {
        ...(stored ?? step(id, { name, revision: 0 })),
        revision: (stored?.revision ?? 0) + 1 + drift,
        state: flag ? "enqueued" : pick(stepStates, number),
        lane: pick(laneKeys, number),
        rank: (number % 7) - 3,
      };
    }),
    runs: of("run", (edit) => edit.runId).map(({ runId: id, number, drift, flag, ...edit }) => {
      const stored = runs.find((row) => row.id === id);
      const status = stored && flag ? stored.status : pick(runStatuses, number);
      return {
        ...(stored ?? run(id, edit.taskId, { stepName: edit.stepName, revision: 0 })),
        revision: (stored?.revision ?? 0) + 1 + drift,
        status,
        heldBy: number % 3 === 0 ? "" : sessionId("s1"),
        nextSeq: number,
      };
    }),
    inputs: of("input", (edit) => edit.taskId).map((edit) => ({
      taskId: edit.taskId,
      json: `${edit.number}`,
    })),
    outputs: of("output", (edit) => edit.taskId + edit.stepName).map((edit) => ({
      taskId: edit.taskId,
      stepName: edit.stepName,
      json: `${edit.number}`,
    })),
    log: of("log", (edit) => edit.taskId).map((edit) => ({
      taskId: edit.taskId,
      entries: Array.from({ length: edit.number % 4 }, (_, i) => line(`${at} ${i}`)),
    })),
    deadlines: of("deadline", (edit) => edit.taskId + edit.flag).map((edit) =>
      deadline(edit.taskId, edit.number % 20, edit.flag ? "start" : "timeout"),
    ),
    lanesAdded: edits.some(({ what }) => what === "lane") ? [lane] : [],
    lanesRemoved: edits.some(({ what }) => what === "remove lane") ? [lane.key] : [],
  });
}

/** Now and then with a key that another Task may hold; mostly leaves a Task that has ended as it is. */
function editTask(stored: TaskRow | undefined, edit: Edit, at: number): TaskRow {
  const { taskId: id, number, drift, flag } = edit;
  const fresh = task(id, { revision: 0, spec: spec({ idempotencyKey: number % 5 === 0 ? "k" : "" }) });
  const keep = stored && isTerminal(stored.state) && flag;
  const state = keep ? stored.state : pick(taskStates, number);
  return {
    ...(stored ?? fresh),
    revision: (stored?.revision ?? 0) + 1 + drift,
    state,
    hasRun: flag,
    finishedAt: isTerminal(state) ? instant(at) : NEVER,
  };
}

function pick<T>(from: readonly [T, ...T[]] | readonly T[], number: number): T {
  const picked = from[number % from.length];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
