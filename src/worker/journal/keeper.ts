import type { JournalRecord } from "#domain/task/journal";
import type { Asked, EarlierRecord, Entry } from "./journal.js";
import type { JournalError } from "./misfit.js";

/** What keeps the journal of a Run: its Worker, or a test. */
export interface JournalKeeper {
  /** The signal of the Run. */
  readonly signal: AbortSignal;
  /** Reads what earlier Runs have written; undefined if they have written nothing. */
  readonly earlier: (() => Promise<readonly EarlierRecord[]>) | undefined;
  /** Keeps records, in the order of the calls. Resolves when they are durable. */
  keep(records: readonly JournalRecord[]): Promise<void>;
  /** Returns the Task that a child is, whose beginning is durable. @param seq of the record with which it began */
  childOf(seq: number): Promise<string>;
  /** Resolves when the Run has nothing to say that is not yet in its outbox. */
  quiet(): Promise<void>;
  /** Returns which of these entries are over, where the Run need not end for them. */
  over?(entries: readonly Entry[]): Promise<readonly EarlierRecord[]>;
  /** Ends the Run until one of these entries is over. @param count how many records the journal has */
  suspend(entries: readonly Entry[], count: number): void;
  /** Fails the Run, whatever its agent does. */
  fail(error: JournalError): void;
}

/** A piece of work, and what to do if it is in doubt. */
export interface Work {
  readonly asked: Asked;
  /** Does it. */
  readonly run: (signal: AbortSignal) => unknown;
  /** Finds out whether an earlier Run has done it; its result as it is, if so. */
  readonly settle: (entry: Entry) => Promise<{ readonly done: boolean; readonly result?: unknown }>;
  /** Called if an earlier Run has done it, before its result is returned. */
  readonly replayed?: () => void;
}

/** Something that others bring about. */
export interface Begun {
  readonly entry: Entry;
  /** Resolves when it is over. */
  readonly over: () => Promise<Entry>;
}
