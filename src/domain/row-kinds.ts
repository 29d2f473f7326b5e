import type { RunId, StepKey, TaskId } from "./id.js";
import type { DeadLetterRow } from "./task/dead-letter.js";
import { isOver, type RunRow } from "./task/run.js";
import type { StepRow } from "./task/step.js";
import { isTerminal, type TaskRow } from "./task/task.js";
import type { WorkerKey, WorkerRow } from "./worker/worker-row.js";

/**
 * The kinds of rows and texts that are loaded and committed. The types `Needs`, `Loaded` and `Commit` are derived from
 * these two tables, and stores, the cache, the workspace of a turn and the test rows iterate over them. To add a kind,
 * add it here, and to the tables of stores that have their own.
 */

/** A row whose revision is incremented by every commit that writes it; 1 when it is first written. */
export interface Revisioned {
  readonly revision: number;
}

/** Describes the rows of one kind. */
export interface RowKind<Row extends Revisioned, Key> {
  /** The name of such a row in messages. */
  readonly noun: string;
  /** Identifies the row among its kind. */
  idOf(row: Row): string;
  /** The parts of a key by which `Needs` asks for a row, as its columns hold them; joined by `/` they are its id. */
  partsOf(key: Key): readonly string[];
  /** The Task that the row belongs to and is removed with; absent if rows of the kind belong to no Task. */
  taskOf?(row: Row): TaskId;
  /** The row's terminal state; undefined while it may still change. */
  endOf?(row: Row): string | undefined;
  /** True if only stores have such rows that several nodes share. Others are never asked for one, and are given none. */
  readonly isOfMany?: true;
}

/** So that the types of row and key are inferred. */
function kind<Row extends Revisioned, Key>(described: RowKind<Row, Key>): RowKind<Row, Key> {
  return described;
}

/** The kinds, in the order in which a commit writes them: rows come after those that they refer to. */
export const rowKinds = {
  tasks: kind<TaskRow, TaskId>({
    noun: "task",
    idOf: ({ id }) => id,
    partsOf: (id) => [id],
    taskOf: ({ id }) => id,
    endOf: ({ state }) => (isTerminal(state) ? state : undefined),
  }),
  steps: kind<StepRow, StepKey>({
    noun: "step",
    idOf: ({ taskId, name }) => `${taskId}/${name}`,
    partsOf: ({ taskId, stepName }) => [taskId, stepName],
    taskOf: ({ taskId }) => taskId,
  }),
  runs: kind<RunRow, RunId>({
    noun: "run",
    idOf: ({ id }) => id,
    partsOf: (id) => [id],
    taskOf: ({ taskId }) => taskId,
    endOf: ({ status }) => (isOver(status) ? status : undefined),
  }),
  /** Of a Task that needs a person: most have none. */
  deadLetters: kind<DeadLetterRow, TaskId>({
    noun: "dead letter",
    idOf: ({ taskId }) => taskId,
    partsOf: (taskId) => [taskId],
    taskOf: ({ taskId }) => taskId,
  }),
  workers: kind<WorkerRow, WorkerKey>({
    noun: "worker",
    idOf: ({ key }) => key,
    partsOf: (key) => [key],
    isOfMany: true,
  }),
};

/**
 * JSON texts that are stored separately from the row of their Task or Step, because they are large or seldom needed. A
 * later one replaces an earlier one.
 */
export const textKinds = {
  /** Inputs of Tasks. */
  inputs: "task",
  /** Inputs of Steps in addition to their Task's. */
  stepInputs: "step",
  /** Results of Steps. */
  outputs: "step",
  /** What people have done to Steps by hand, see `step-action.ts`; of an empty name to their Task. */
  stepActions: "step",
  /** What agents have journaled: a record each, under `recordKey` of its Step; of an empty name payloads of signals. */
  journal: "step",
} as const satisfies Record<string, "task" | "step">;

export type RowKindName = keyof typeof rowKinds;
export type RowOf<Name extends RowKindName> =
  (typeof rowKinds)[Name] extends RowKind<infer Row, never> ? Row : never;
export type KeyOf<Name extends RowKindName> =
  (typeof rowKinds)[Name] extends RowKind<never, infer Key> ? Key : never;

export type TextKindName = keyof typeof textKinds;
interface TextsOf {
  readonly task: { readonly key: TaskId; readonly row: { readonly taskId: TaskId; readonly json: string } };
  readonly step: { readonly key: StepKey; readonly row: StepKey & { readonly json: string } };
}
/** The key by which a text is loaded. */
export type TextKey<Name extends TextKindName = TextKindName> = TextsOf[(typeof textKinds)[Name]]["key"];
/** The value with which a text is committed. */
export type TextRow<Name extends TextKindName = TextKindName> = TextsOf[(typeof textKinds)[Name]]["row"];

/** The kinds whose rows are loaded by key. A Task comes with any part of it. */
export type KeyedKindName = Exclude<RowKindName, "tasks">;

export const rowKindNames = Object.keys(rowKinds) as readonly RowKindName[];
export const keyedKindNames = rowKindNames.filter((name): name is KeyedKindName => name !== "tasks");
/** The kinds of a Task's graph, which are kept and loaded together. */
const graphKinds: readonly string[] = ["tasks", "steps", "runs"];

/** The other kinds, whose rows are kept and loaded one by one. */
export const singleKindNames = rowKindNames.filter((name) => !graphKinds.includes(name));

/** The kinds that a store of one process has. */
export type LocalKindName = Exclude<RowKindName, "workers">;
export type LocalKeyedKindName = Exclude<LocalKindName, "tasks">;
export const localKindNames = rowKindNames.filter((name): name is LocalKindName => !rowKind(name).isOfMany);
export const localKeyedKindNames = localKindNames.filter(
  (name): name is LocalKeyedKindName => name !== "tasks",
);

export const textKindNames = Object.keys(textKinds) as readonly TextKindName[];

/** Makes a value for each kind. Not type-checked: the caller ensures that each value has the type for its kind. */
export function forKinds<Made extends object>(
  names: readonly (keyof Made & string)[],
  make: (name: keyof Made & string) => unknown,
): Made {
  const made: Record<string, unknown> = {};
  for (const name of names) made[name] = make(name);
  return made as Made;
}

/** A kind, for code that iterates over all of them. */
export function rowKind(name: RowKindName): RowKind<Revisioned, unknown> {
  return rowKinds[name] as RowKind<Revisioned, unknown>;
}

/** A key as one string, as is the id of its row. */
export function idOfKey(name: KeyedKindName, key: unknown): string {
  return rowKind(name).partsOf(key).join("/");
}

/** The parts of the key in a row's id: the inverse of `partsOf`. No id of a Task has a slash. */
export function keyOfId(name: RowKindName, id: string): readonly string[] {
  if (name !== "steps") return [id];
  const end = id.indexOf("/");
  return [id.slice(0, end), id.slice(end + 1)];
}

/** The key of a text, as one string: the id of its Task, or a `stepKey`. */
export function textId(key: TextKey | TextRow): string {
  if (typeof key === "string") return key;
  return "stepName" in key ? `${key.taskId}/${key.stepName}` : key.taskId;
}

/** The Task of a text, and its name there: that of its Step, or empty. */
export function textPlace(key: TextKey | TextRow): readonly [taskId: TaskId, name: string] {
  if (typeof key === "string") return [key, ""];
  return [key.taskId, "stepName" in key ? key.stepName : ""];
}
