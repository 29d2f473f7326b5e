import { limits } from "#domain/limits";
import { runSummary } from "#domain/run";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task";
import type { Reads, TaskDetail } from "#ports/store";
import { runToWire, stepToWire, taskToWire } from "#wire/convert-task";
import type { Task } from "#wire/gen/taskrun/v1/task_service_pb";

/** Old Runs' error messages and models go along as far as this: the whole answer must fit in one message. */
const RUN_DETAILS = 512 * 1024;

/** The whole Task: its Steps, with results up to a limit in all, its Runs, input and result. */
export async function wholeTask(reads: Reads, { task, input, steps, runs }: TaskDetail): Promise<Task> {
  const outputs = await inlineOutputs(reads, steps);
  const output = taskStatus(task) === "COMPLETED" ? await resultOf(reads, steps, outputs) : "";
  let room = RUN_DETAILS;
  const shownRuns = runs.toReversed().map((run) => {
    // A model's JSON text is longer than what the wire makes of it.
    room -= Buffer.byteLength(run.errorMessage) + Buffer.byteLength(JSON.stringify(run.backend));
    return runToWire(room < 0 ? { ...runSummary(run), errorMessage: "", backend: null } : runSummary(run));
  });
  return taskToWire(task, {
    input,
    output,
    steps: steps.map((step) => stepToWire(step, outputs.get(step.name))),
    runs: shownRuns.toReversed(),
  });
}

/** The result of a Task that has just ended, as JSON text; empty for one that did not end well. */
export async function finalOutput(reads: Reads, task: TaskRow): Promise<string> {
  const detail = await reads.task(task.id);
  if (!detail || !isTerminal(detail.task.state) || taskStatus(detail.task) !== "COMPLETED") return "";
  return resultOf(reads, detail.steps, new Map());
}

/** Results by Step name, in DAG order, until the next one would pass the limit. */
async function inlineOutputs(reads: Reads, steps: readonly StepRow[]): Promise<Map<string, string>> {
  const outputs = new Map<string, string>();
  let room = limits.inlineOutputBytes;
  for (const { taskId, name, outputBytes } of steps) {
    if (outputBytes === 0) continue;
    room -= outputBytes;
    if (room < 0) break;
    outputs.set(name, (await reads.output({ taskId, stepName: name })) ?? "");
  }
  return outputs;
}

/** The last Step's result; where several come last, an object of their results by name; empty if too large. */
async function resultOf(
  reads: Reads,
  steps: readonly StepRow[],
  known: ReadonlyMap<string, string>,
): Promise<string> {
  const followed = new Set(steps.flatMap(({ dependsOn }) => dependsOn));
  const sinks = steps.filter(({ name, outputBytes }) => outputBytes > 0 && !followed.has(name));
  const size = sinks.reduce((sum, { outputBytes }) => sum + outputBytes, 0);
  if (size > limits.inlineOutputBytes) return "";

  const results: string[] = [];
  for (const { taskId, name } of sinks) {
    const output = known.get(name) ?? (await reads.output({ taskId, stepName: name })) ?? "";
    results.push(sinks.length === 1 ? output : `${JSON.stringify(name)}:${output || "null"}`);
  }
  return sinks.length > 1 ? `{${results.join(",")}}` : (results[0] ?? "");
}

/** About how many bytes a Task without input, Steps and results takes on the wire: never much too few. */
export function sizeOf({ spec, errorMessage }: TaskRow): number {
  const texts = [spec.agentName, spec.createdBy, spec.correlationId, errorMessage];
  const maps = [spec.labels, spec.workerSelector].flatMap((labels) => Object.entries(labels).flat());
  return [...texts, ...maps].reduce((sum, text) => sum + Buffer.byteLength(text) + 4, 256);
}
