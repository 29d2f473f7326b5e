import { limits } from "#limits/index";
import type { RunId, StepKey, TaskId } from "../id.js";
import type { TemplateRef } from "../template/template.js";
import type { Labels } from "../text/labels.js";
import { utf8Bytes } from "../text/text.js";
import type { Instant, Millis } from "../time/time.js";

/**
 * The journal of a Step: what its agent has begun and done, over all Runs, as records that are only ever added. While a Run is live its
 * worker adds them; otherwise the plane does, for what the agent waits for, or a person.
 */

export const journalStates = ["BEGUN", "COMPLETED", "FAILED", "NOT_DONE"] as const;
/** What a record says of its entry. */
export type JournalState = (typeof journalStates)[number];

export const journalKinds = ["STEP", "TOOL", "SLEEP", "SIGNAL", "CHILD"] as const;
/** What an entry is: a piece of the agent's work, or something that it waits for. */
export type JournalKind = (typeof journalKinds)[number];

export const stepEffects = ["READ", "IDEMPOTENT", "ONCE"] as const;
/** What an entry does to the world: nothing, the same however often, or something that must happen once. */
export type StepEffect = (typeof stepEffects)[number];

/** What names an entry: the same in each of its records. */
export interface JournalEntryName {
  readonly kind: JournalKind;
  readonly name: string;
  /** Which of the entries with the same kind, name and input it is, from 1. */
  readonly occurrence: number;
  /** SHA-256 of the input's canonical JSON, in hexadecimal; empty if it has none. */
  readonly inputDigest: string;
  readonly effect: StepEffect;
  /** True if others of the same Run were not over when it began. */
  readonly concurrent: boolean;
}

/** A record as a worker sends it. */
export interface JournalRecord extends JournalEntryName {
  /** Counts the Step's records, from 0. */
  readonly seq: number;
  /** Counts the Step's entries in the order of their first records, from 1. */
  readonly entry: number;
  readonly state: JournalState;
  /** JSON text, or empty. */
  readonly result: string;
  readonly errorMessage: string;
  /** With BEGUN, of what is waited for. */
  readonly wait?: JournalWait;
}

/** A record as it is kept. */
export interface KeptRecord extends JournalRecord {
  readonly at: Instant;
  /** The Run that wrote it; absent if the plane did, or a person. */
  readonly runId?: RunId;
  /** The Task that a child is. */
  readonly childId?: TaskId;
  /** When a sleep ends, or a signal is waited for no longer; absent if never. */
  readonly until?: Instant;
  /** Who said so, if it was a person. */
  readonly actor?: string;
}

/** What an entry waits for. */
export interface JournalWait {
  /** How long it sleeps, or waits for a signal; 0 is for ever. */
  readonly duration: Millis;
  /** JSON text that is the result if no signal comes; absent if that is a failure. */
  readonly otherwise?: string;
  readonly child?: ChildRequest;
}

/** The Task that an agent wants to be done. */
export interface ChildRequest {
  readonly agentName: string;
  readonly template: TemplateRef | null;
  /** JSON text. */
  readonly input: string;
  readonly labels: Labels;
  readonly timeoutMs: Millis;
  /** 0 is the default. */
  readonly maxAttempts: number;
  readonly workerSelector: Labels;
}

/** What a Step's row has of its journal. */
export interface StepJournal {
  readonly records: number;
  readonly entries: number;
  readonly bytes: number;
  /** Runs that have been suspended: they count as no Run where these are bounded. */
  readonly suspensions: number;
  /** Entries that have begun and are not over, in the order in which they began. */
  readonly open: readonly OpenEntry[];
  /** Entries that were begun and are known not to have been done: they may begin again. */
  readonly notDone: readonly number[];
}

export const NO_JOURNAL: StepJournal = {
  records: 0,
  entries: 0,
  bytes: 0,
  suspensions: 0,
  open: [],
  notDone: [],
};

/** An entry that has begun and is not over. */
export interface OpenEntry extends JournalEntryName {
  readonly entry: number;
  /** The seq of the record with which it began. */
  readonly seq: number;
  readonly childId?: TaskId;
  readonly until?: Instant;
  /** Of a child: why there could be none. */
  readonly problem?: string;
}

/** True of an entry that ends by itself, or by somebody else: its agent only waits for it. */
export function isWait({ kind }: Pick<JournalEntryName, "kind">): boolean {
  return kind === "SLEEP" || kind === "SIGNAL" || kind === "CHILD";
}

/** What a record weighs, for the limit of its journal. */
export function recordBytes({ name, result, errorMessage, wait }: JournalRecord): number {
  const child = wait?.child ? utf8Bytes(wait.child.input) : 0;
  const bytes = utf8Bytes(name) + utf8Bytes(result) + utf8Bytes(errorMessage) + child;
  return Math.max(limits.journalRecordBytes, bytes + utf8Bytes(wait?.otherwise ?? ""));
}

/** The part of a journal that names its entries, without what they came to. */
export function entryName(named: JournalEntryName): JournalEntryName {
  const { kind, name, occurrence, inputDigest, effect, concurrent } = named;
  return { kind, name, occurrence, inputDigest, effect, concurrent };
}

/** A record as it is kept of what a Run's worker has sent: field by field, as there is one for each thing that an agent does. */
export function recordOfRun(record: JournalRecord, at: Instant, runId: RunId): KeptRecord {
  const { seq, entry, state, kind, name, occurrence, inputDigest, concurrent, effect } = record;
  const { result, errorMessage, wait } = record;
  const kept: KeptRecord = {
    seq,
    entry,
    state,
    kind,
    name,
    occurrence,
    inputDigest,
    concurrent,
    effect,
    result,
    errorMessage,
    at,
    runId,
  };
  return wait ? { ...kept, wait } : kept;
}

const DIGITS = 8;

/** Where a record is kept: a text of this key. Keys of one Step sort as its records do. */
export function recordKey({ taskId, stepName }: StepKey, seq: number): StepKey {
  return { taskId, stepName: `${stepName}/${String(seq).padStart(DIGITS, "0")}` };
}

/** The Step and the seq of a record's key. */
export function recordPlace({ taskId, stepName }: StepKey): { readonly step: StepKey; readonly seq: number } {
  const end = stepName.length - DIGITS - 1;
  return { step: { taskId, stepName: stepName.slice(0, end) }, seq: Number(stepName.slice(end + 1)) };
}

/** A record as it is kept, of its text. */
export function keptRecord(json: string): KeptRecord {
  return JSON.parse(json) as KeptRecord;
}

/** A signal that came before somebody has waited for it. */
export interface KeptSignal {
  readonly name: string;
  /** Counts the Task's signals, from 0: its payload is kept as the record of that seq of no Step. */
  readonly seq: number;
}

/** What a Task's row has of signals that none of its template's Steps takes. */
export interface TaskSignals {
  /** How many have come. */
  readonly count: number;
  /** Those that nobody has taken. */
  readonly kept: readonly KeptSignal[];
  /** The ids of the last requests that signalled it, the newest last. */
  readonly requests: readonly string[];
}

export const NO_SIGNALS: TaskSignals = { count: 0, kept: [], requests: [] };
