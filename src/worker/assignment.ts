import type { Labels } from "#domain/task";

/** A task's input that did not come along. */
export interface InputRef {
  /** Whatever has the same id is the same text. */
  readonly id: string;
  readonly bytes: number;
}

/** What a run is told when it begins, in plain words. */
export interface Assignment {
  readonly runId: string;
  readonly taskId: string;
  readonly stepName: string;
  readonly agentName: string;
  /** Empty if it is read by reference. */
  readonly inputJson: string;
  /** Where the task's input is read; undefined if `inputJson` is all there is. */
  readonly inputRef: InputRef | undefined;
  /** What is laid over an input that is read by reference; empty if nothing is. */
  readonly inputPartsJson: string;
  readonly labels: Labels;
  readonly attempt: number;
  readonly fence: number;
  /** By the plane's clock, in Unix milliseconds; 0 means no limit. */
  readonly deadlineMs: number;
  /** Results of steps this one depends on, as JSON text by step name: those that came along. */
  readonly results: Readonly<Record<string, string>>;
  /** Names of those that did not: they are read when wanted. */
  readonly resultRefs: readonly string[];
  /** Names of those that failed and were passed over. */
  readonly failedDependencies: readonly string[];
}
