import type { StepKey, TaskId } from "#domain/id";
import type { LocalKeyedKindName, RowOf, TextKindName } from "#domain/row-kinds";
import { recordPlace } from "#domain/task/journal";
import type { Reads } from "#ports/store-reads";

/** What an export reads. */
export type ArchiveReads = Pick<
  Reads,
  | "tasks"
  | "task"
  | "input"
  | "stepInput"
  | "output"
  | "stepActions"
  | "journal"
  | "log"
  | "logBounds"
  | "deadLetters"
>;

/** Kinds of rows that are no part of a Task's graph, and so are read one by one. */
type SingleName = Exclude<LocalKeyedKindName, "steps" | "runs">;

/**
 * What belongs to a Task, and so is in its export: for each kind of `domain/row-kinds.ts` the type of its lines, and how it is read if it
 * does not come with the Task itself. Both tables are closed: a kind that is added there does not compile until it is exported.
 */
export const rowParts = {
  steps: { type: "step" },
  runs: { type: "run" },
  deadLetters: { type: "deadLetter", read: (reads, id) => reads.deadLetters.get(id, "*") },
} as const satisfies { readonly [Name in LocalKeyedKindName]: RowPart<Name> };

/** Texts of a Task have an empty name of a Step. */
export const textParts = {
  inputs: { type: "input", read: (reads, { taskId }) => reads.input(taskId) },
  stepInputs: { type: "stepInput", read: (reads, key) => reads.stepInput(key) },
  outputs: { type: "output", read: (reads, key) => reads.output(key) },
  stepActions: { type: "stepActions", read: (reads, key) => reads.stepActions(key) },
  /** Of each Step there are several, by the keys of its records. */
  journal: { type: "journal", read: readRecord },
} as const satisfies Readonly<Record<TextKindName, TextPart>>;

const ONE = { records: 1, bytes: 1 };

async function readRecord(reads: ArchiveReads, key: StepKey): Promise<string | undefined> {
  const { step, seq } = recordPlace(key);
  return (await reads.journal(step, seq, ONE))[0];
}

type RowPart<Name extends LocalKeyedKindName> = Name extends SingleName
  ? { readonly type: string; read(reads: ArchiveReads, id: TaskId): Promise<RowOf<Name> | undefined> }
  : { readonly type: string };

interface TextPart {
  readonly type: string;
  read(reads: ArchiveReads, key: StepKey): Promise<string | undefined>;
}

export type TextLineType = (typeof textParts)[TextKindName]["type"];

const rowNames = Object.keys(rowParts) as readonly LocalKeyedKindName[];
const textNames = Object.keys(textParts) as readonly TextKindName[];

/** The kinds of rows that are read one by one. */
export const singleParts = rowNames.flatMap((name) => {
  const part = rowParts[name];
  return "read" in part ? [part] : [];
});

export const rowKindOfLine = new Map(rowNames.map((name) => [rowParts[name].type as string, name]));
export const textKindOfLine = new Map(textNames.map((name) => [textParts[name].type as string, name]));
