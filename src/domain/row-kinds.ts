import type { RunId, StepKey, TaskId } from "./id.js";
import { isOver, type RunRow } from "./task/run.js";
import type { StepRow } from "./task/step.js";
import { isTerminal, type TaskRow } from "./task/task.js";

/**
 * The kinds of row that a commit carries and a load answers with. `Needs`, `Loaded` and `Commit` are made of these two
 * tables; stores, the cache in front of them, the workspace of a turn and the test rows go through them. A kind is
 * added here, and a store that keeps tables says in its own table what it keeps of it.
 */

/** A row whose revision grows by one with every commit that writes it; 1 when it is first written. */
export interface Revisioned {
  readonly revision: number;
}

/** What is common to the rows of one kind. */
export interface RowKind<Row extends Revisioned, Key> {
  /** What messages call one of them. */
  readonly noun: string;
  /** Names the row among its kind. */
  idOf(row: Row): string;
  /** The parts of a key by which `Needs` asks for a row, as its columns hold them; joined by `/` they are its id. */
  partsOf(key: Key): readonly string[];
  /** The Task that the row belongs to, and goes with; absent if rows of the kind stand by themselves. */
  taskOf?(row: Row): TaskId;
  /** The state that the row is in for ever; undefined while it may still change. */
  endOf?(row: Row): string | undefined;
}

/** So that the types of row and key are inferred. */
function kind<Row extends Revisioned, Key>(described: RowKind<Row, Key>): RowKind<Row, Key> {
  return described;
}

/** In the order in which a commit writes them: what a row refers to comes first. */
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
};

/**
 * JSON texts that lie beside the row of a Task or of a Step, because they are large or seldom wanted; a later one
 * replaces an earlier one.
 */
export const textKinds = {
  /** What Tasks are given. */
  inputs: "task",
  /** What Steps are given beside their Task's input. */
  stepInputs: "step",
  /** Results of Steps. */
  outputs: "step",
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
/** What a text is asked for by. */
export type TextKey<Name extends TextKindName = TextKindName> = TextsOf[(typeof textKinds)[Name]]["key"];
/** What a text is committed with. */
export type TextRow<Name extends TextKindName = TextKindName> = TextsOf[(typeof textKinds)[Name]]["row"];

/** The kinds whose rows a turn asks for by their key; a Task comes with what else it wants of it. */
export type KeyedKindName = Exclude<RowKindName, "tasks">;

export const rowKindNames = Object.keys(rowKinds) as readonly RowKindName[];
export const keyedKindNames = rowKindNames.filter((name): name is KeyedKindName => name !== "tasks");
/** The kinds that a Task's graph is made of: they are kept and loaded with one another. */
const graphKinds: readonly string[] = ["tasks", "steps", "runs"];

/** The others: rows that are kept and loaded one by one. */
export const singleKindNames = rowKindNames.filter((name) => !graphKinds.includes(name));
export const textKindNames = Object.keys(textKinds) as readonly TextKindName[];

/** One of something for each kind. Its types are the caller's word: what is made for a kind has the types of that kind. */
export function forKinds<Made extends object>(
  names: readonly (keyof Made & string)[],
  make: (name: keyof Made & string) => unknown,
): Made {
  const made: Record<string, unknown> = {};
  for (const name of names) made[name] = make(name);
  return made as Made;
}

/** A kind as code that goes through all of them sees it. */
export function rowKind(name: RowKindName): RowKind<Revisioned, unknown> {
  return rowKinds[name] as RowKind<Revisioned, unknown>;
}

/** A key as one string, as is the id of its row. */
export function idOfKey(name: KeyedKindName, key: unknown): string {
  return rowKind(name).partsOf(key).join("/");
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
