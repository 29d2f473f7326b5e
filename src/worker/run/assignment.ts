import type { Labels } from "#domain/task/task";

/** Refers to an input that was not sent with the assignment and is read separately. */
export interface InputRef {
  /** Equal ids stand for equal texts. */
  readonly id: string;
  readonly bytes: number;
}

/** A Run to perform, as the server sent it, without types of the wire. */
export interface Assignment {
  readonly runId: string;
  readonly taskId: string;
  readonly stepName: string;
  readonly agentName: string;
  /** Empty if the input is read through `inputRef`. */
  readonly inputJson: string;
  /** The Task's input, to be read; undefined if `inputJson` is the input. */
  readonly inputRef: InputRef | undefined;
  /** JSON object whose keys override those of an input read by reference; empty if there are none. */
  readonly inputPartsJson: string;
  readonly labels: Labels;
  readonly attempt: number;
  readonly fence: number;
  /** By the server's clock, in Unix milliseconds; 0 is no limit. */
  readonly deadlineMs: number;
  /** Results of direct dependencies that were sent with the assignment: JSON text by step name. */
  readonly results: Readonly<Record<string, string>>;
  /** Names of the direct dependencies whose results are read on demand. */
  readonly resultRefs: readonly string[];
  /** Names of the direct dependencies whose failure is tolerated. */
  readonly failedDependencies: readonly string[];
  /** How many records the journal of the Step has: what earlier Runs have written. */
  readonly journalRecords: number;
  /** The span of the Run at the server; undefined if its Task is in no trace. */
  readonly traceparent?: string | undefined;
}
