import type { RunId, StepKey, TaskId } from "#domain/id";
import type { LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { Labels, TaskRow, TaskStatus } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";

export interface TaskFilter {
  readonly namespaces: readonly string[] | "*";
  readonly status?: TaskStatus;
  readonly agentName?: string;
  readonly labels?: Labels;
}

export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** Give it as `before` to read on; undefined on the last page. */
  readonly next: TaskId | undefined;
}

export interface TemplateFilter {
  readonly namespaces: readonly string[] | "*";
  /** Only templates of this name. */
  readonly name?: string;
}

export interface TemplatePage {
  readonly templates: readonly TemplateRow[];
  /** Give it as `after` to read on; undefined on the last page. */
  readonly next: TemplateRef | undefined;
}

/** A Task with all there is to show of it, less its log. */
export interface TaskDetail {
  readonly task: TaskRow;
  readonly input: string;
  /** In DAG order. */
  readonly steps: readonly StepRow[];
  /** Oldest first. */
  readonly runs: readonly RunRow[];
}

/** Reads for clients. They see committed rows only and never wait for a turn. */
export interface Reads {
  task(id: TaskId): Promise<TaskDetail | undefined>;

  /**
   * Newest first, by id. Ends at `pageSize` rows, or after a bounded number of rows looked at; then
   * the page may be short, even empty, with `next` set.
   */
  tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage>;

  run(id: RunId): Promise<RunRow | undefined>;

  /** One version of a template; an empty version asks for the newest. */
  template(ref: TemplateRef): Promise<TemplateRow | undefined>;

  /** By namespace, name, and version, newest version first; with every version of each name. */
  templates(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number): Promise<TemplatePage>;

  /** A Task's input as JSON text, as it was given; undefined if the Task is unknown. */
  input(id: TaskId): Promise<string | undefined>;

  /** A Step's result as JSON text, or undefined if it has none. */
  output(step: StepKey): Promise<string | undefined>;

  /**
   * Log lines after `afterSeq`, whole packed rows cut to begin right there, at least one line if
   * there is any, then as many as fit in about `maxBytes`. `firstSeq` is `afterSeq + 1`.
   */
  log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice>;

  /** The first seq still kept and the last one written; undefined if the Task is unknown. */
  logBounds(taskId: TaskId): Promise<{ readonly earliest: number; readonly last: number } | undefined>;
}
