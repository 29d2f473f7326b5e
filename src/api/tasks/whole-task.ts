import { sinksOf } from "#domain/graph/graph";
import { resultBytes, resultText } from "#domain/task/result";
import { type RunDetail, type RunRow, runSummary, withUsage } from "#domain/task/run";
import { type StepRow, type StepSummary, stepSummary } from "#domain/task/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store";
import { asManyAsFit, runBytes, stepBytes, sum, taskBytes, upTo } from "../answer-size.js";
import type { CallerReads } from "../caller-reads.js";

/**
 * The Task with as much as fits into one answer: always its input and its Steps; then its result, the newest Runs, and
 * the results, error messages and stacks up to a limit for all together.
 */
export async function wholeTask(
  reads: CallerReads,
  { task, input, steps, runs }: TaskDetail,
): Promise<TaskView> {
  const taken = taskBytes(task) + Buffer.byteLength(input) + sum(steps.map(stepBytes));
  let room = limits.messageBytes - limits.answerSpareBytes - taken;
  const known = new Map<string, string>();
  const result = taskStatus(task) === "COMPLETED" ? await resultOf(reads, steps, known) : "";
  const output = Buffer.byteLength(result) <= room ? result : "";
  room -= Buffer.byteLength(output);

  const shownRuns = asManyAsFit(runs.toReversed(), runBytes, Math.min(room, limits.answerRunsBytes));
  room -= sum(shownRuns.map(runBytes));
  const results = await resultsOf(reads, steps, known, Math.min(room, limits.inlineOutputBytes));
  room -= sum([...results.values()].map((text) => Buffer.byteLength(text)));

  const fits = upTo(Math.min(room, limits.answerDetailsBytes));
  const shownSteps = steps.map((step) => stepAsFits(step, fits));
  const summaries = shownRuns.map((run) => runAsFits(run, fits));
  // Last, and so of what is left: a message is worth more than a stack.
  const newestFirst = summaries.map((run, i) => withDetail(run, shownRuns[i]?.errorDetail ?? "", fits));
  return { task, input, output, steps: shownSteps, results, runs: newestFirst.reverse() };
}

/** A Task that has ended. */
export interface TaskEnd {
  readonly task: TaskRow;
  /** Its result as JSON text; empty if it has not completed, or if the result is too large for the answer. */
  readonly output: string;
}

/** Reads a Task that has ended; returns the given row if the Task has been removed since. */
export async function endOf(reads: CallerReads, task: TaskRow): Promise<TaskEnd> {
  const detail = await reads.task(task.id);
  if (!detail || !isTerminal(detail.task.state)) return { task, output: "" };
  const completed = taskStatus(detail.task) === "COMPLETED";
  return { task: detail.task, output: completed ? await resultOf(reads, detail.steps, new Map()) : "" };
}

/**
 * The Task's result; empty if it has none, or if it is too large.
 *
 * @param known gets the results that were read, by Step name
 */
async function resultOf(
  reads: CallerReads,
  steps: readonly StepRow[],
  known: Map<string, string>,
): Promise<string> {
  const bytes = resultBytes(steps);
  if (bytes === 0 || bytes > limits.inlineOutputBytes) return "";
  const sinks = sinksOf(steps);
  const outputs = await outputsOf(reads, sinks);
  for (const [i, { name }] of sinks.entries()) known.set(name, outputs[i] ?? "");
  return resultText(steps, (name) => known.get(name));
}

/** Results by Step name, in DAG order, until the next one would pass the limit. */
async function resultsOf(
  reads: CallerReads,
  steps: readonly StepRow[],
  known: ReadonlyMap<string, string>,
  bytes: number,
): Promise<ReadonlyMap<string, string>> {
  const having = steps.filter(({ outputBytes }) => outputBytes > 0);
  const shown = asManyAsFit(having, ({ outputBytes }) => outputBytes, bytes);
  const missing = shown.filter(({ name }) => !known.has(name));
  const outputs = await outputsOf(reads, missing);
  const found = new Map(missing.map(({ name }, i) => [name, outputs[i] ?? ""]));
  return new Map(shown.map(({ name }) => [name, known.get(name) ?? found.get(name) ?? ""]));
}

function outputsOf(reads: CallerReads, steps: readonly StepRow[]): Promise<(string | undefined)[]> {
  return Promise.all(steps.map((step) => reads.output(step)));
}

function stepAsFits(step: StepRow, fits: (bytes: number) => boolean): StepSummary {
  const summary = stepSummary(step);
  return fits(Buffer.byteLength(step.errorMessage)) ? summary : { ...summary, errorMessage: "" };
}

function runAsFits(run: RunRow, fits: (bytes: number) => boolean): RunDetail {
  // The JSON text of a model is longer than its encoding in any protocol.
  const bytes = Buffer.byteLength(run.errorMessage) + Buffer.byteLength(JSON.stringify(run.backend));
  const summary = runSummary(run);
  return withUsage(fits(bytes) ? summary : { ...summary, errorMessage: "", backend: null }, run);
}

function withDetail(run: RunDetail, errorDetail: string, fits: (bytes: number) => boolean): RunDetail {
  return errorDetail !== "" && fits(Buffer.byteLength(errorDetail)) ? { ...run, errorDetail } : run;
}
