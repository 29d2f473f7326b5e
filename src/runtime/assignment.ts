import { parseExact, writeExact } from "#domain/exact-json";
import type { Assignment } from "#domain/frame";
import { type StepKey, stepKey } from "#domain/id";
import { isJsonObject, type Json, type JsonObject } from "#domain/json";
import { limits } from "#domain/limits";
import type { RunRow } from "#domain/run";
import { type StepRow, satisfies } from "#domain/step";
import { deadlineOf, type TaskRow } from "#domain/task";
import { utf8Bytes } from "#domain/text";
import { earliest, later, type Millis, NEVER } from "#domain/time";
import type { Workspace } from "./workspace.js";

/** What of its dependencies goes along with a Run. */
export interface Dependencies {
  /** Steps whose results fit, in order. */
  readonly inline: readonly StepKey[];
  /** Steps whose results do not. */
  readonly refs: readonly string[];
  /** Steps that failed and were passed over. */
  readonly failed: readonly string[];
}

/** Which results a Step is given, by the rows of the Steps it depends on. */
export function dependenciesOf(
  work: Workspace,
  step: StepRow,
  most: number = limits.dependencyResultsBytes,
): Dependencies {
  const inline: StepKey[] = [];
  const refs: string[] = [];
  const failed: string[] = [];
  let room = Math.min(most, limits.dependencyResultsBytes);
  for (const stepName of step.dependsOn) {
    const key = { taskId: step.taskId, stepName };
    const before = work.step(key);
    if (before?.state === "error" && satisfies(before)) failed.push(stepName);
    if (!before || before.outputBytes === 0) continue;
    if (before.outputBytes > room) {
      refs.push(stepName);
      continue;
    }
    room -= before.outputBytes;
    inline.push(key);
  }
  return { inline, refs, failed };
}

/** What an assignment weighs beside its input and results: labels, ids, and the names of up to a thousand Steps. */
const FRAME = 256 * 1024;

/** Everything a worker needs to carry out the Run, from rows that the turn has seen. */
export function assignmentOf(
  run: RunRow,
  task: TaskRow,
  step: StepRow,
  work: Workspace,
  lease: Millis,
): Assignment {
  const input = inputOf(task, step, work);
  const { inline, refs, failed } = dependenciesOf(work, step, limits.messageBytes - FRAME - utf8Bytes(input));
  return {
    runId: run.id,
    taskId: run.taskId,
    stepName: run.stepName,
    agentName: run.agentName,
    input,
    labels: task.spec.labels,
    issuedAt: run.createdAt,
    deadlineAt: deadline(run, task, step),
    attempt: run.attempt,
    fence: run.fence,
    lease,
    ordinal: run.ordinal,
    results: Object.fromEntries(
      inline.map((key) => [key.stepName, work.outputs.get(stepKey(key)) ?? "null"]),
    ),
    refs,
    failed,
  };
}

function deadline(run: RunRow, task: TaskRow, { spec: { timeoutMs } }: StepRow) {
  const ofTask = deadlineOf(task);
  const ofAttempt = timeoutMs === 0 ? undefined : later(run.createdAt, timeoutMs);
  return earliest(ofTask === NEVER ? undefined : ofTask, ofAttempt) ?? NEVER;
}

/**
 * The Task's input, with the Step's own parts added; one that is no object stands under `input` then. Byte for
 * byte as it was given where nothing is added.
 */
function inputOf({ id, spec }: TaskRow, step: StepRow, work: Workspace): string {
  const text = work.inputs.get(id) ?? "{}";
  const { config, undoes } = step.spec;
  const own = work.stepInputs.get(stepKey({ taskId: id, stepName: step.name }));
  if (!config && !own && !undoes) return text;

  const whole = parseExact(text);
  const given = asObject(whole);
  const parts: JsonObject = {
    ...(config && { config: { ...asObject(given.config), ...config } }),
    ...(own && asObject(parseExact(own))),
    ...(undoes && { compensate: compensate(undoes, spec.compensates, work) }),
  };
  return isJsonObject(whole) ? joined(text, given, parts) : writeExact({ input: whole, ...parts });
}

/** Adds the parts to the text as it stands, so that it grows by no more than them; unless one replaces another. */
function joined(text: string, given: JsonObject, parts: JsonObject): string {
  if (Object.keys(parts).some((name) => Object.hasOwn(given, name))) {
    return writeExact({ ...given, ...parts });
  }
  const added = writeExact(parts).slice(1);
  return Object.keys(given).length === 0 ? `{${added}` : `${text.trimEnd().slice(0, -1)},${added}`;
}

function compensate(
  undoes: NonNullable<StepRow["spec"]["undoes"]>,
  taskId: string,
  work: Workspace,
): JsonObject {
  const { stepName, error } = undoes;
  const result = work.outputs.get(stepKey(undoes));
  return { task_id: taskId, step: stepName, result: result ? parseExact(result) : null, error };
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
