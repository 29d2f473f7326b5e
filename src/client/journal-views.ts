/**
 * One line of a Step's journal, as `tasks.journal` yields it: a durable step of its agent has begun, or has come to something.
 *
 * @example
 * ```ts
 * import { createClient, type JournalRecord } from "taskrun/client";
 *
 * const line = ({ entry, kind, name, state }: JournalRecord) => `${entry} ${kind} ${name}: ${state}`;
 * for await (const record of createClient().tasks.journal("TASK_ID")) console.log(line(record));
 * ```
 */
export interface JournalRecord {
  /** Counts the Step's records, from 0. */
  readonly seq: number;
  /** The durable step that it is about; these count from 1. */
  readonly entry: number;
  /** Newer servers may have more. */
  readonly state: "BEGUN" | "COMPLETED" | "FAILED" | "NOT_DONE" | (string & {});
  readonly kind: "STEP" | "TOOL" | "SLEEP" | "SIGNAL" | "CHILD" | (string & {});
  /** What the agent calls it: of a signal its name, of a child Task its agent or template. */
  readonly name: string;
  /** Which of the entries with the same kind, name and input it is, from 1. */
  readonly occurrence: number;
  /** SHA-256 of the input's canonical JSON, in hexadecimal; empty if it has none. */
  readonly inputDigest: string;
  readonly effect: "READ" | "IDEMPOTENT" | "ONCE" | (string & {});
  /** True if others of the same Run were not over when it began. */
  readonly concurrent: boolean;
  /** JSON text; empty unless COMPLETED with a result, and in events. */
  readonly resultJson: string;
  readonly errorMessage: string;
  /** The Task that a child is; empty of everything else. */
  readonly childTaskId: string;
  /** When a sleep ends, or a signal is waited for no longer; 0 if never. */
  readonly untilMs: number;
  readonly atMs: number;
  /** The Run that wrote it; empty if the server did, or a person. */
  readonly runId: string;
  /** Who said so, if it was a person. */
  readonly actor: string;
}

/**
 * A page of a Step's journal, oldest first.
 *
 * @example
 * ```ts
 * import { createClient, type JournalPage } from "taskrun/client";
 *
 * const { inDoubt }: JournalPage = await createClient().tasks.journalPage("TASK_ID", "main", { pageSize: 1 });
 * console.log(inDoubt.length === 0 ? "nothing is in doubt" : `decide about ${inDoubt.join(", ")}`);
 * ```
 */
export interface JournalPage {
  readonly records: readonly JournalRecord[];
  /** Pass it as `pageToken` to get the next page; empty on the last one. */
  readonly nextPageToken: string;
  /** Entries that must be done once, and of which it is not known whether they were done. */
  readonly inDoubt: readonly number[];
}
