import { sinksOf } from "#domain/graph";
import { limits } from "#domain/limits";
import { type RunRow, type RunSummary, runSummary } from "#domain/run";
import { type StepRow, type StepSummary, stepSummary } from "#domain/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task";
import type { Reads, TaskDetail } from "#ports/store";
import { runToWire, stepToWire, taskToWire } from "#wire/convert-task";
import type { Task } from "#wire/gen/taskrun/v1/task_service_pb";

/** What is read for one Step's result: its Task with its input, and the result. */
export const RESULT_READ_BYTES = limits.inputBytes + limits.resultBytes;

/**
 * The whole Task, as far as it fits into one message: its input and its Steps always; then its result, the
 * newest Runs, the results of Steps up to a limit in all, and what went wrong with each.
 */
export async function wholeTask(reads: Reads, { task, input, steps, runs }: TaskDetail): Promise<Task> {
  const taken = sizeOf(task) + Buffer.byteLength(input) + sum(steps.map(sizeOfStep));
  let room = limits.messageBytes - limits.answerSpareBytes - taken;
  const results = new Map<string, string>();
  const result = taskStatus(task) === "COMPLETED" ? await resultOf(reads, steps, results) : "";
  const output = Buffer.byteLength(result) <= room ? result : "";
  room -= Buffer.byteLength(output);

  const shownRuns = asManyAsFit(runs.toReversed(), sizeOfRun, Math.min(room, limits.answerRunsBytes));
  room -= sum(shownRuns.map(sizeOfRun));
  const inlined = await inlineOutputs(reads, steps, results, Math.min(room, limits.inlineOutputBytes));
  room -= sum([...inlined.values()].map((text) => Buffer.byteLength(text)));

  const fits = upTo(Math.min(room, limits.answerDetailsBytes));
  const shownSteps = steps.map((step) => stepToWire(stepAsFits(step, fits), inlined.get(step.name)));
  const newestFirst = shownRuns.map((run) => runToWire(runAsFits(run, fits)));
  return taskToWire(task, { input, output, steps: shownSteps, runs: newestFirst.reverse() });
}

/** A Task that has just ended: as it stands, and its result as JSON text, which is empty if it did not end well. */
export async function endOf(
  reads: Reads,
  task: TaskRow,
): Promise<{ readonly task: TaskRow; readonly output: string }> {
  const detail = await reads.task(task.id);
  if (!detail || !isTerminal(detail.task.state)) return { task, output: "" };
  const completed = taskStatus(detail.task) === "COMPLETED";
  return { task: detail.task, output: completed ? await resultOf(reads, detail.steps, new Map()) : "" };
}

/**
 * The last Step's result; where several come last, an object of their results by name, null for one that has
 * none; empty if none has, or if it is too large.
 *
 * @param read takes what was read, by Step name
 */
async function resultOf(reads: Reads, steps: readonly StepRow[], read: Map<string, string>): Promise<string> {
  const sinks = sinksOf(steps);
  const bytes = sum(sinks.map(({ outputBytes }) => outputBytes));
  if (bytes === 0 || bytes > limits.inlineOutputBytes) return "";
  const outputs = await outputsOf(reads, sinks);
  for (const [i, { name }] of sinks.entries()) read.set(name, outputs[i] ?? "");

  if (sinks.length <= 1) return outputs[0] ?? "";
  const members = sinks.map(({ name }, i) => `${JSON.stringify(name)}:${outputs[i] || "null"}`);
  return `{${members.join(",")}}`;
}

/** Results by Step name, in DAG order, until the next one would pass the limit. */
async function inlineOutputs(
  reads: Reads,
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

function outputsOf(reads: Reads, steps: readonly StepRow[]): Promise<(string | undefined)[]> {
  return Promise.all(steps.map(({ taskId, name }) => reads.output({ taskId, stepName: name })));
}

function stepAsFits(step: StepRow, fits: (bytes: number) => boolean): StepSummary {
  const summary = stepSummary(step);
  return fits(Buffer.byteLength(step.errorMessage)) ? summary : { ...summary, errorMessage: "" };
}

function runAsFits(run: RunRow, fits: (bytes: number) => boolean): RunSummary {
  // A model's JSON text is longer than what the wire makes of it.
  const bytes = Buffer.byteLength(run.errorMessage) + Buffer.byteLength(JSON.stringify(run.backend));
  return fits(bytes) ? runSummary(run) : { ...runSummary(run), errorMessage: "", backend: null };
}

/** The first ones, until the next would pass the limit. */
function asManyAsFit<T>(all: readonly T[], size: (one: T) => number, bytes: number): readonly T[] {
  const fits = upTo(bytes);
  const end = all.findIndex((one) => !fits(size(one)));
  return end === -1 ? all : all.slice(0, end);
}

/** True as long as all it was asked for comes to no more than so many bytes. */
function upTo(bytes: number): (more: number) => boolean {
  let left = bytes;
  return (more) => {
    left -= more;
    return left >= 0;
  };
}

/** About how many bytes a Task without input, Steps and results takes on the wire: never much too few. */
export function sizeOf({ spec, errorMessage }: TaskRow): number {
  const { template, parent } = spec;
  const texts = [spec.agentName, spec.createdBy, spec.correlationId, errorMessage, parent?.stepName ?? ""];
  if (template) texts.push(template.namespace, template.name, template.version);
  const maps = [spec.labels, spec.workerSelector].flatMap((labels) => Object.entries(labels).flat());
  return sum([...texts, ...maps].map((text) => Buffer.byteLength(text) + 4)) + 384;
}

/** The same for a Step without result and error message. */
export function sizeOfStep({
  name,
  agentName,
  dependsOn,
}: Pick<StepSummary, "name" | "agentName" | "dependsOn">) {
  return (
    Buffer.byteLength(name) +
    Buffer.byteLength(agentName) +
    sum(dependsOn.map((each) => Buffer.byteLength(each) + 3)) +
    128
  );
}

/** The same for a Run without error message and model. */
function sizeOfRun({ workerId, stepName }: RunRow): number {
  return Buffer.byteLength(workerId) + Buffer.byteLength(stepName) + 128;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
