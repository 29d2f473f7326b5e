import { isDeepStrictEqual } from "node:util";
import type { TaskId } from "#domain/id";
import {
  forKinds,
  type LocalKeyedKindName,
  rowKindNames,
  rowKinds,
  type TextKindName,
  textKindNames,
} from "#domain/row-kinds";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Commit, RowsToCommit, Store, TaskDetail, TextsToCommit } from "#ports/store";
import { isAtRest } from "./export.js";
import type { ArchiveLine } from "./lines.js";
import { rowKindOfLine, rowParts, textKindOfLine, textParts } from "./parts.js";
import { damagedAt, type NumberedLine } from "./read.js";

/** The store that an import writes to, booted. */
export type ImportStore = Pick<Store, "load" | "commit" | "reads">;

/** What an import has done. */
export interface ImportCount {
  /** Tasks that were not there, or not with all that is theirs because an import was interrupted. */
  imported: number;
  /** Tasks that were there, the same in all that the file has of them. */
  skipped: number;
  /** Imported Tasks without their idempotency key, because another Task has it by now. */
  withoutKey: number;
  /** Tasks that are there and differ, of which nothing was written. */
  readonly refused: { readonly id: string; readonly why: string }[];
}

export function newCount(): ImportCount {
  return { imported: 0, skipped: 0, withoutKey: 0, refused: [] };
}

export interface Importing {
  readonly store: ImportStore;
  /** The last recorded instant of the store, which stays what it is. */
  readonly at: Instant;
  /** Makes an id for a commit. */
  readonly uuid: () => string;
  /** About so many bytes are written at once. Default: `limits.importBatchBytes`. */
  readonly batchBytes?: number;
}

/**
 * Imports the Tasks of a file, under their own ids. It may be done again, also after it was interrupted: what is there is left, what is
 * missing is written. Of a Task only so much is in memory at a time as one commit writes.
 *
 * @param name of the file, for messages
 * @throws {Fault} reason `EXPORT_DAMAGED`; the Tasks before that line are imported
 */
export async function importLines(
  name: string,
  lines: AsyncIterable<NumberedLine>,
  importing: Importing,
  count: ImportCount,
): Promise<void> {
  let group: TaskGroup | undefined;
  let groups = 0;
  for await (const { number, line } of lines) {
    if (line.type === "header") continue;
    if (line.type === "task") {
      if (group) throw damagedAt(name, number, "a task begins within another one: lines are missing");
      group = await TaskGroup.begin(line.row, importing);
    } else if (line.type === "whole") {
      if (group || line.tasks !== groups)
        throw damagedAt(name, number, "it names another number of tasks: lines are missing");
    } else {
      if (!group) throw damagedAt(name, number, "it belongs to no task: lines are missing");
      if (line.type !== "end") await group.take(line);
      else {
        if (!group.isWhole(line)) throw damagedAt(name, number, "the task has lines that are missing here");
        await group.end(count);
        group = undefined;
        groups += 1;
      }
    }
  }
}

type Part = Exclude<ArchiveLine, { readonly type: "header" | "task" | "end" | "whole" }>;
type TextLine = Extract<Part, { readonly json: string }>;
type RowLine = Extract<Part, { readonly row: unknown }>;
type Draft = {
  -readonly [Name in keyof (RowsToCommit & TextsToCommit)]: (RowsToCommit & TextsToCommit)[Name][number][];
};

/** One Task of a file, on its way into the store. */
class TaskGroup {
  readonly #importing: Importing;
  readonly #task: TaskRow;
  readonly #id: TaskId;
  /** What is there already; undefined if nothing. */
  readonly #there: TaskDetail | undefined;
  readonly #withoutKey: boolean;
  #draft = emptyDraft();
  #log: Commit["log"][number]["entries"][number][] = [];
  #bytes = 0;
  /** Lines of the file so far, and log lines of the store. */
  #lines = 1;
  #seq = 0;
  #stored: number;
  #written = false;
  #refusal: string | undefined;

  private constructor(
    task: TaskRow,
    there: TaskDetail | undefined,
    stored: number,
    withoutKey: boolean,
    importing: Importing,
  ) {
    this.#task = task;
    this.#id = task.id;
    this.#there = there;
    this.#stored = stored;
    this.#withoutKey = withoutKey;
    this.#importing = importing;
    if (!isAtRest({ task, input: "", steps: [], runs: [] })) this.#refuse("it has not ended");
    else if (!there) this.#add("tasks", withoutKey ? { ...task, ownsKey: false } : task, 0);
    else if (!sameTask(there.task, task)) this.#refuse("it is there, and in another state");
  }

  static async begin(task: TaskRow, importing: Importing): Promise<TaskGroup> {
    const { reads } = importing.store;
    const there = await reads.task(task.id);
    const stored = there ? ((await reads.logBounds(task.id))?.last ?? 0) : 0;
    const withoutKey = !there && (await isKeyTaken(task, importing.store));
    return new TaskGroup(task, there, stored, withoutKey, importing);
  }

  async take(line: Part): Promise<void> {
    this.#lines += 1;
    if (this.#refusal !== undefined) return;
    await this.#takePart(line);
    if (this.#bytes >= (this.#importing.batchBytes ?? limits.importBatchBytes)) await this.#flush();
  }

  isWhole({ taskId, lastSeq, lines }: Extract<ArchiveLine, { type: "end" }>): boolean {
    const hasLog = this.#refusal !== undefined || this.#seq === lastSeq;
    return taskId === this.#id && lines === this.#lines && hasLog;
  }

  async end(count: ImportCount): Promise<void> {
    if (this.#refusal === undefined) await this.#flush();
    if (this.#refusal !== undefined) count.refused.push({ id: this.#id, why: this.#refusal });
    else if (!this.#written) count.skipped += 1;
    else {
      count.imported += 1;
      if (this.#withoutKey) count.withoutKey += 1;
    }
  }

  async #takePart(line: Part): Promise<void> {
    if (line.type === "log") await this.#takeLog(line);
    else if ("json" in line) await this.#takeText(line);
    else await this.#takeRow(line);
  }

  async #takeRow({ type, row }: RowLine): Promise<void> {
    const kind = rowKindOfLine.get(type) as LocalKeyedKindName;
    const wrong = ofAnother(this.#task, row) ?? unfit(this.#task, row);
    if (wrong !== undefined) return this.#refuse(wrong);
    const stored = await this.#storedRow(kind, row);
    if (!stored) this.#add(kind, row, 0);
    else if (!sameRow(stored, row)) this.#refuse(`its ${rowKinds[kind].noun} is there, and differs`);
  }

  async #storedRow(kind: LocalKeyedKindName, row: RowLine["row"]): Promise<object | undefined> {
    if (!this.#there) return undefined;
    const part = rowParts[kind];
    if ("read" in part) return part.read(this.#importing.store.reads, this.#id);
    if ("heldBy" in row) return this.#there.runs.find(({ id }) => id === row.id);
    return "name" in row ? this.#there.steps.find(({ name }) => name === row.name) : undefined;
  }

  async #takeText(line: TextLine): Promise<void> {
    const kind = textKindOfLine.get(line.type) as TextKindName;
    const ofStep = "stepName" in line ? { stepName: line.stepName } : {};
    const { json } = line;
    const stored =
      this.#there &&
      (await textParts[kind].read(this.#importing.store.reads, {
        stepName: "",
        ...ofStep,
        taskId: this.#id,
      }));
    if (stored === undefined) this.#add(kind, { taskId: this.#id, ...ofStep, json }, json.length);
    else if (stored !== json) this.#refuse("a text of it is there, and differs");
  }

  async #takeLog({ firstSeq, entries }: Extract<Part, { type: "log" }>): Promise<void> {
    if (firstSeq !== this.#seq + 1) return this.#refuse("lines of its log are missing in the file");
    this.#seq += entries.length;
    const known = Math.max(0, Math.min(entries.length, this.#stored - firstSeq + 1));
    if (known > 0 && !(await this.#isLogged(firstSeq, entries.slice(0, known))))
      return this.#refuse("its log is there, and differs");
    const more = entries.slice(known);
    for (const entry of more) this.#log.push(entry);
    if (more.length > 0) this.#bytes += JSON.stringify(more).length;
  }

  async #isLogged(firstSeq: number, wanted: readonly unknown[]): Promise<boolean> {
    let done = 0;
    while (done < wanted.length) {
      const { entries } = await this.#importing.store.reads.log(
        this.#id,
        firstSeq + done - 1,
        limits.exportLogBytes,
      );
      const found = entries.slice(0, wanted.length - done);
      if (
        found.length === 0 ||
        !isDeepStrictEqual(plain(found), plain(wanted.slice(done, done + found.length)))
      )
        return false;
      done += found.length;
    }
    return true;
  }

  #add(kind: keyof Draft, row: unknown, bytes: number): void {
    (this.#draft[kind] as unknown[]).push(row);
    this.#bytes += bytes + limits.importRowBytes;
  }

  async #flush(): Promise<void> {
    if (this.#bytes === 0) return;
    const { store, at, uuid } = this.#importing;
    const log = this.#log.length > 0 ? [{ taskId: this.#id, entries: this.#log }] : [];
    const nothing = {
      templates: [],
      deadlines: [],
      lanesAdded: [],
      lanesRemoved: [],
      agents: [],
      agentsForgotten: [],
    };
    await store.commit({ id: uuid(), at, ...this.#draft, ...nothing, log, imports: true });
    this.#written = true;
    this.#draft = emptyDraft();
    this.#log = [];
    this.#bytes = 0;
  }

  /** Nothing of a Task that was not there is written before the first batch is full; what differs is found among what is there. */
  #refuse(why: string): void {
    this.#refusal ??= why;
  }
}

function emptyDraft(): Draft {
  return {
    ...forKinds<Pick<Draft, keyof RowsToCommit>>(rowKindNames, () => []),
    ...forKinds<Pick<Draft, keyof TextsToCommit>>(textKindNames, () => []),
  };
}

/** Who owns the key is another matter: of two Tasks with one, the one that was there has it. */
function sameTask(a: TaskRow, b: TaskRow): boolean {
  return sameRow({ ...a, ownsKey: true }, { ...b, ownsKey: true });
}

function sameRow(a: object, b: object): boolean {
  return isDeepStrictEqual(plain({ ...a, node: undefined }), plain({ ...b, node: undefined }));
}

/** As it is in JSON: what is undefined there is absent. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function ofAnother({ id, namespace }: TaskRow, row: RowLine["row"]): string | undefined {
  const isItsOwn = row.taskId === id && (!("namespace" in row) || row.namespace === namespace);
  return isItsOwn ? undefined : "the file has a row of another task in it";
}

/** A file that somebody has made by hand must not bring anything to life. A dead letter never does: it is there to be read. */
function unfit(task: TaskRow, row: RowLine["row"]): string | undefined {
  if ("snapshot" in row) return undefined;
  const detail = "heldBy" in row ? { steps: [], runs: [row] } : { steps: [row], runs: [] };
  return isAtRest({ task, input: "", ...detail }) ? undefined : "it has not ended";
}

async function isKeyTaken(
  { namespace, ownsKey, spec: { idempotencyKey: key } }: TaskRow,
  store: ImportStore,
) {
  if (!ownsKey || key === "") return false;
  const { tasks } = await store.load({ keys: [{ namespace, key }] }, true);
  return tasks.length > 0;
}
