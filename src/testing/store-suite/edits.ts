import { type DeadLetterRow, deadLetterReasonNames, deadLetterStatuses } from "#domain/task/dead-letter";
import { runStatuses } from "#domain/task/run";
import { type StepRow, stepStates } from "#domain/task/step";
import { isTerminal, type TaskRow, taskStates } from "#domain/task/task";
import { instant, NEVER } from "#domain/time/time";
import { NOTHING_ANNOUNCED } from "#domain/worker/agent";
import type { Commit, Store } from "#ports/store";
import {
  agentRow,
  commit,
  deadLetter,
  deadline,
  lane,
  line,
  run,
  runId,
  sessionId,
  spec,
  step,
  stepSpec,
  task,
  taskId,
  template,
} from "../rows.js";
import type { Arbitrary, FastCheck } from "./kit.js";

/** Few of each, so that edits meet. */
export const taskIds = [taskId(1), taskId(2), taskId(3)] as const;
export const stepNames = ["a", "b"] as const;
export const runIds = [runId(1), runId(2), runId(3)] as const;
export const templateNames = ["etl", "report"] as const;
export const versions = ["1.0.0-rc.1", "1.0.0", "1.9.0", "1.10.0"] as const;
export const laneKeys = [lane.key, "other"] as const;

/** One row of a commit, drawn without knowing what is stored. */
export interface Edit {
  readonly what:
    | "task"
    | "step"
    | "run"
    | "dead letter"
    | "input"
    | "output"
    | "step input"
    | "template"
    | "log"
    | "deadline"
    | "lane"
    | "remove lane"
    | "agent"
    | "forget agent";
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
    "dead letter",
    "input",
    "output",
    "step input",
    "template",
    "log",
    "log",
    "deadline",
    "lane",
    "remove lane",
    "agent",
    "forget agent",
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
export async function edited(model: Store, at: number, drawn: readonly Edit[]): Promise<Commit> {
  const { tasks, steps, runs, deadLetters, templates } = await model.load({
    deadLetters: taskIds,
    templates: templateNames.flatMap((name) =>
      versions.map((version) => ({ namespace: "default", name, version })),
    ),
    steps: taskIds.flatMap((id) => stepNames.map((stepName) => ({ taskId: id, stepName }))),
    runs: runIds,
  });
  const edits = withTasks(drawn, new Set(tasks.map(({ id }) => id)));
  const of = (what: Edit["what"], keyOf: (edit: Edit) => string) => {
    const found = new Map<string, Edit>();
    for (const edit of edits) if (edit.what === what && !found.has(keyOf(edit))) found.set(keyOf(edit), edit);
    return [...found.values()];
  };

  return commit({
    at: instant(at),
    tasks: withKeyReleased(
      of("task", (edit) => edit.taskId).map((edit) =>
        editTask(
          tasks.find(({ id }) => id === edit.taskId),
          edit,
          at,
        ),
      ),
      tasks,
    ),
    steps: of("step", (edit) => edit.taskId + edit.stepName).map((edit) =>
      editStep(
        steps.find(({ taskId, name }) => taskId === edit.taskId && name === edit.stepName),
        edit,
      ),
    ),
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
    deadLetters: of("dead letter", (edit) => edit.taskId).map((edit) =>
      editLetter(
        deadLetters.find(({ taskId }) => taskId === edit.taskId),
        edit,
      ),
    ),
    inputs: of("input", (edit) => edit.taskId).map((edit) => ({
      taskId: edit.taskId,
      json: `${edit.number}`,
    })),
    outputs: of("output", (edit) => edit.taskId + edit.stepName).map((edit) => ({
      taskId: edit.taskId,
      stepName: edit.stepName,
      json: `${edit.number}`,
    })),
    stepInputs: of("step input", (edit) => edit.taskId + edit.stepName).map((edit) => ({
      taskId: edit.taskId,
      stepName: edit.stepName,
      json: `${edit.number}`,
    })),
    templates: of("template", templateText)
      // Mostly a version that is not there yet.
      .filter((edit) => edit.drift !== 0 || !templates.some(({ digest }) => digest === templateText(edit)))
      .map((edit) => template(...templateOf(edit))),
    log: of("log", (edit) => edit.taskId).map((edit) => ({
      taskId: edit.taskId,
      entries: Array.from({ length: edit.number % 4 }, (_, i) => line(`${at} ${i}`)),
    })),
    deadlines: of("deadline", (edit) => edit.taskId + edit.flag).map((edit) =>
      deadline(edit.taskId, edit.number % 20, edit.flag ? "start" : "timeout"),
    ),
    lanesAdded: edits.some(({ what }) => what === "lane") ? [lane] : [],
    lanesRemoved: edits.some(({ what }) => what === "remove lane") ? [lane.key] : [],
    ...editAgents(of),
  });
}

/** One agent is either remembered or forgotten. */
function editAgents(
  of: (what: Edit["what"], keyOf: (edit: Edit) => string) => Edit[],
): Pick<Commit, "agents" | "agentsForgotten"> {
  const agents = of("agent", (edit) => edit.stepName).map(({ stepName, number, flag }) =>
    agentRow(stepName, { description: `${number}`, ...(flag && { announced: NOTHING_ANNOUNCED }) }),
  );
  const forgotten = of("forget agent", (edit) => edit.stepName).map(({ stepName }) => stepName);
  return {
    agents: agents.filter(({ name }) => !forgotten.some((other) => other === name)),
    agentsForgotten: forgotten.map((name) => ({ namespace: "", name })),
  };
}

/** What is edited of a Task that is not there brings the Task with it; now and then not, and is refused. */
function withTasks(edits: readonly Edit[], there: ReadonlySet<string>): readonly Edit[] {
  const brought = edits
    .filter(({ taskId, number }) => !there.has(taskId) && number % 8 !== 0)
    .map((edit) => ({ ...edit, what: "task", drift: 0 }) as const);
  return [...edits, ...brought];
}

/** A Task that takes the key another one holds makes that one let it go, unless that one's edit says otherwise. */
function withKeyReleased(edits: readonly TaskRow[], stored: readonly TaskRow[]): TaskRow[] {
  const takes = edits.some(({ revision, spec }) => revision === 1 && spec.idempotencyKey === "k");
  const owner = takes
    ? stored.find(({ spec, ownsKey }) => ownsKey && spec.idempotencyKey === "k")
    : undefined;
  if (!owner || edits.some(({ id }) => id === owner.id)) return [...edits];
  return [...edits, { ...owner, revision: owner.revision + 1, ownsKey: false }];
}

function editStep(stored: StepRow | undefined, edit: Edit): StepRow {
  const { taskId: id, stepName: name, number, drift, flag } = edit;
  const member = { group: "a", index: number, concurrency: 1, failure: "isolate" } as const;
  const spec = stepSpec({ planned: name, ...(number % 4 === 0 && { member }) });
  return {
    ...(stored ?? step(id, { name, revision: 0, spec })),
    revision: (stored?.revision ?? 0) + 1 + drift,
    state: flag ? "enqueued" : pick(stepStates, number),
    lane: pick(laneKeys, number),
    rank: (number % 7) - 3,
    dependsOn: stepNames.slice(0, number % 3),
    dependants: stepNames.slice(number % 3),
    members: number % 2 === 0 ? [] : [`${name}_000`],
    inDoubt: number % 7 === 0,
    hasInput: number % 5 === 0,
    signalled: flag,
    childId: number % 3 === 0 ? taskIds[2] : "",
    startedAt: instant(number),
    finishedAt: instant(number % 10),
    order: number % 4,
  };
}

function editLetter(stored: DeadLetterRow | undefined, edit: Edit): DeadLetterRow {
  const { taskId: id, number, drift, flag } = edit;
  const reason = pick(deadLetterReasonNames, number);
  return {
    ...(stored ?? deadLetter(id, { revision: 0 })),
    revision: (stored?.revision ?? 0) + 1 + drift,
    ...{ reason, status: flag ? "PENDING" : pick(deadLetterStatuses, number) },
    rank: (number % 7) - 3,
    createdAt: instant(number % 10),
    closedAt: flag ? NEVER : instant(number),
    notes: `"${number}"`,
    redrivenAs: number % 4 === 0 ? taskIds[2] : "",
  };
}

function templateOf({ stepName, number }: Edit): [name: string, version: string] {
  return [pick(templateNames, stepNames.indexOf(stepName)), pick(versions, number)];
}

function templateText(edit: Edit): string {
  return templateOf(edit).join(" ");
}

/** Now and then with a key that another Task may hold; mostly leaves a Task that has ended as it is. */
function editTask(stored: TaskRow | undefined, edit: Edit, at: number): TaskRow {
  const { taskId: id, number, drift, flag } = edit;
  const parent = number % 8 === 0 ? { taskId: taskIds[1], stepName: "a" } : null;
  const idempotencyKey = number % 5 === 0 ? "k" : "";
  const fresh = task(id, { revision: 0, spec: spec({ idempotencyKey, parent }) });
  const keep = stored && isTerminal(stored.state) && flag;
  const state = keep ? stored.state : pick(taskStates, number);
  return {
    ...(stored ?? fresh),
    revision: (stored?.revision ?? 0) + 1 + drift,
    state,
    hasRun: flag,
    finishedAt: isTerminal(state) ? instant(at) : NEVER,
    tolerated: number % 3,
    isolated: number % 2,
    opened: number % 4 === 0 ? {} : { a: number },
    compensatedBy: number % 6 === 0 ? taskIds[2] : "",
    compensableBelow: number % 7 === 0,
    hasDeadLetter: number % 11 === 0,
  };
}

function pick<T>(from: readonly [T, ...T[]] | readonly T[], number: number): T {
  const picked = from[number % from.length];
  if (picked === undefined) throw new RangeError("nothing to pick from");
  return picked;
}
