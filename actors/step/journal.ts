import type { TaskId } from "#domain/id";
import {
  entryName,
  isWait,
  type JournalRecord,
  type KeptRecord,
  NO_JOURNAL,
  type OpenEntry,
  recordBytes,
  type StepJournal,
} from "#domain/task/journal";
import type { Journaled } from "#domain/task/log";
import type { StepRow } from "#domain/task/step";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";

/** What a Step's row has of its journal after one record more, and the commands that keep the record. */
export interface Added {
  readonly journal: StepJournal;
  readonly commands: readonly Command[];
}

export function journalOf({ journal = NO_JOURNAL }: Pick<StepRow, "journal">): StepJournal {
  return journal;
}

/** Entries that must be done once, and of which only the Run that has begun them knows whether they are. */
export function inDoubt(step: Pick<StepRow, "journal">): readonly OpenEntry[] {
  return journalOf(step).open.filter((each) => !isWait(each));
}

/** The Tasks that the Step's agent has begun and that it has not yet had the end of. */
export function spawnedBy({ journal }: Pick<StepRow, "journal">): TaskId[] {
  return journal ? journal.open.flatMap(({ childId }) => childId ?? []) : [];
}

/** Adds a record to a journal. The caller says `noteJournal` of the last one. */
export function addRecord(step: StepRow, journal: StepJournal, record: KeptRecord, problem?: string): Added {
  const { taskId, name: stepName } = step;
  const entry = {
    type: "journal",
    at: record.at,
    stepName,
    record: told(record),
    resultBytes: utf8Bytes(record.result),
  } as const;
  return {
    journal: {
      records: journal.records + 1,
      entries: Math.max(journal.entries, record.entry),
      bytes: journal.bytes + recordBytes(record),
      suspensions: journal.suspensions,
      open: openAfter(journal.open, record, problem),
      notDone: notDoneAfter(journal.notDone, record),
    },
    commands: [
      { type: "keepRecord", params: { taskId, stepName, seq: record.seq, json: JSON.stringify(record) } },
      { type: "record", params: { taskId, entry } },
    ],
  };
}

type Told = { -readonly [Field in keyof Journaled["record"]]: Journaled["record"][Field] };

/** What the log says of a record: all but what it came to, and what it waits for. For each record, so without copies of parts of it. */
function told(record: KeptRecord): Journaled["record"] {
  const { kind, name, occurrence, inputDigest, effect, concurrent } = record;
  const { seq, entry, state, errorMessage, runId, childId, until, actor } = record;
  const all: Told = {
    kind,
    name,
    occurrence,
    inputDigest,
    effect,
    concurrent,
    seq,
    entry,
    state,
    errorMessage,
  };
  if (runId !== undefined) all.runId = runId;
  if (childId !== undefined) all.childId = childId;
  if (until !== undefined) all.until = until;
  if (actor !== undefined) all.actor = actor;
  return all;
}

function openAfter(
  open: readonly OpenEntry[],
  record: KeptRecord,
  problem: string | undefined,
): readonly OpenEntry[] {
  const { entry, seq, state, childId, until } = record;
  if (state !== "BEGUN") return open.filter((each) => each.entry !== entry);
  const begun: OpenEntry = {
    ...entryName(record),
    entry,
    seq,
    ...(childId !== undefined && { childId }),
    ...(until !== undefined && { until }),
    ...(problem !== undefined && { problem }),
  };
  return [...open, begun];
}

function notDoneAfter(notDone: readonly number[], { entry, state }: KeptRecord): readonly number[] {
  if (state === "NOT_DONE") return [...notDone, entry];
  return notDone.includes(entry) ? notDone.filter((each) => each !== entry) : notDone;
}

/** Why a worker may not write the record, as a sentence that names the field; undefined if it may. */
export function misplaced(
  record: JournalRecord,
  { entries, open, notDone }: StepJournal,
): string | undefined {
  const { entry, state, kind, effect, wait } = record;
  const begun = open.find((each) => each.entry === entry);
  if (entry > entries + 1) {
    return `journal.entry is ${entry}, but the step's journal has ${entries}: the next new one is ${entries + 1}`;
  }
  if (state === "BEGUN") {
    if (begun) return `journal.entry ${entry} has begun already, and is not over`;
    if (entry <= entries && !notDone.includes(entry)) return `journal.entry ${entry} is over already`;
    if (isWait({ kind }) !== (wait !== undefined)) {
      return `journal.wait is ${wait ? "of no use to" : "missing for"} an entry of kind ${kind}`;
    }
    if ((kind === "CHILD") !== (wait?.child !== undefined)) {
      return `journal.wait.child belongs to entries of kind CHILD, and to no other`;
    }
    if (!isWait({ kind }) && effect !== "ONCE") {
      return `journal.state BEGUN is for what is done once, or waited for: an entry with effect ${effect} is recorded when it is done`;
    }
    return undefined;
  }
  if (begun && isWait(begun)) {
    return `journal.entry ${entry} is waited for: what it comes to is the server's to say`;
  }
  if (begun && begun.kind !== kind) return `journal.entry ${entry} is of kind ${begun.kind}, not ${kind}`;
  if (begun || (entry === entries + 1 && effect !== "ONCE" && !isWait({ kind }))) return undefined;
  return entry <= entries
    ? `journal.entry ${entry} is over already`
    : `journal.entry ${entry} has not begun: what is done once, or waited for, is recorded before it is`;
}

/** Which bound of a journal one record more would exceed, as the end of a sentence; undefined if none. */
export function overfull(record: JournalRecord, journal: StepJournal): string | undefined {
  const { entries, records, bytes, open } = journal;
  const isNew = record.entry > entries;
  if (isNew && entries >= limits.journalEntries) {
    return `it has ${entries} entries, the most of one step: divide the work among several steps`;
  }
  if (records >= limits.journalRecords) return `it has ${records} records, the most of one step`;
  if (bytes + recordBytes(record) > limits.journalBytes) {
    return `it would have more than ${limits.journalBytes} bytes: let steps return less, or keep it elsewhere`;
  }
  if (record.state === "BEGUN" && open.length >= limits.journalOpen) {
    return `${open.length} of its entries have begun and are not over, the most at a time`;
  }
  return undefined;
}
