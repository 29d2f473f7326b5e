import { mappedInputOf } from "#actors/mapped-input";
import { type Dependencies, dependenciesOf, isByReference } from "#actors/scheduler/weight";
import type { InputMapping } from "#domain/graph/input-mapping";
import { type StepKey, stepKey, type TaskId } from "#domain/id";
import { invariant } from "#domain/invariant";
import { exactJsonText } from "#domain/json/exact";
import { membersOf, withMembers } from "#domain/json/slices";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { joined, type SharedText, sharedText } from "#domain/task/step-input";
import { deadlineOf, type TaskRow } from "#domain/task/task";
import { runTraceparent } from "#domain/task/trace";
import { utf8Bytes } from "#domain/text/text";
import { earliest, later, type Millis, NEVER } from "#domain/time/time";
import type { Assignment, Bound, InputRef } from "#domain/worker/frame";
import { type AssignmentBytes, assignmentBytes } from "#domain/worker/frame-size";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Workspace } from "../memory/workspace.js";

/** An assignment as it is sent, and how its bytes divide into input, results and the rest. */
export interface BuiltAssignment {
  readonly assignment: Assignment;
  readonly bytes: AssignmentBytes;
}

/** Why the Step's mapped input cannot be made: something that it refers to is not there. */
export interface Unmapped {
  readonly unmapped: string;
}

/** What an assignment says of the worker and the plane. */
export interface AssignmentTerms {
  readonly protocol: WorkerProtocol;
  /** How long the worker may go without a heartbeat. */
  readonly lease: Millis;
  /** True if the plane records the Run's span. */
  readonly traced: boolean;
  /** Undefined for a public worker. */
  readonly bound: Bound | undefined;
}

/**
 * Builds the assignment that a worker receives for the Run, from rows and texts that the turn has loaded.
 *
 * @throws if a row or text is not loaded, or is malformed
 */
export function buildAssignment(
  run: RunRow,
  work: Workspace,
  { protocol, lease, traced, bound }: AssignmentTerms,
): BuiltAssignment | Unmapped {
  const task = work.task(run.taskId);
  const step = work.step(run);
  invariant(task && step, `run ${run.id} is assigned without its task or step at hand`);
  const input = inputOf(task, step, work, protocol);
  if ("unmapped" in input) return input;
  const most = limits.messageBytes - limits.assignmentSpareBytes - input.bytes;
  const { inline, refs, failed } =
    step.dependsOn.length > 0 ? dependenciesOf(work, step, most) : NO_DEPENDENCIES;
  const content = {
    runId: run.id,
    taskId: run.taskId,
    stepName: run.stepName,
    agentName: run.agentName,
    input: input.text,
    ...(input.ref && { inputRef: input.ref }),
    parts: input.parts,
    labels: task.spec.labels,
    issuedAt: run.createdAt,
    deadlineAt: deadline(run, task, step),
    attempt: run.attempt,
    fence: run.fence,
    lease,
    ordinal: run.ordinal,
    journalRecords: protocol >= 1 ? (step.journal?.records ?? 0) : 0,
    ...(bound && { bound }),
    results: Object.fromEntries(inline.map((key) => [key.stepName, resultOf(key, work)])),
    refs,
    failed,
    traceparent: runTraceparent(task.spec, run.id, traced),
  };
  const bytes = assignmentBytes(content, input.ref ? 0 : input.bytes);
  return { assignment: { ...content, bytes: bytes.whole }, bytes };
}

const NO_DEPENDENCIES: Dependencies = { inline: [], refs: [], failed: [], bytes: 0 };

function resultOf(key: StepKey, work: Workspace): string {
  const json = work.outputs.get(stepKey(key));
  invariant(json !== undefined, `the result of step ${stepKey(key)} is not at hand`);
  return json;
}

function deadline(run: RunRow, task: TaskRow, { spec: { timeoutMs } }: StepRow) {
  const ofTask = deadlineOf(task);
  const ofAttempt = timeoutMs === 0 ? undefined : later(run.createdAt, timeoutMs);
  return earliest(ofTask === NEVER ? undefined : ofTask, ofAttempt) ?? NEVER;
}

/** How a Step's input is sent to its worker: as text, or as a reference that the worker reads. */
interface SentInput {
  readonly text: string;
  readonly ref?: InputRef;
  readonly parts: string;
  /** Bytes of the input that are part of the assignment. */
  readonly bytes: number;
}

function inputOf(
  task: TaskRow,
  step: StepRow,
  work: Workspace,
  protocol: WorkerProtocol,
): SentInput | Unmapped {
  const parts = partsOf(task, step, work);
  if (step.spec.input) return mappedInput(step, step.spec.input, parts, work);
  if (isByReference(task, protocol)) {
    const ref = { id: task.id, bytes: task.inputBytes ?? 0 };
    return { text: "", ref, parts, bytes: utf8Bytes(parts) };
  }
  return { ...joined(sharedInput(task, work), parts), parts: "" };
}

/** Sent whole, however large what it is made of is: it is this Step's alone. */
function mappedInput(
  step: StepRow,
  mapping: InputMapping,
  parts: string,
  { inputs, outputs, stepInputs, sliceReaders }: Workspace,
): SentInput | Unmapped {
  const texts = {
    input: (id: TaskId) => inputs.get(id),
    output: (key: StepKey) => outputs.get(stepKey(key)),
    stepInput: (key: StepKey) => stepInputs.get(stepKey(key)),
  };
  const made = mappedInputOf(step, mapping, texts, sliceReaders);
  if ("problem" in made) return { unmapped: made.problem };
  return { ...joined(sharedText(made.text), parts), parts: "" };
}

function sharedInput({ id, inputBytes }: TaskRow, { inputs, sharedInputs }: Workspace): SharedText {
  const known = sharedInputs.get(id);
  if (known) return known;
  const text = inputs.get(id);
  invariant(text !== undefined, `the input of task ${id} is not at hand`);
  const shared = sharedText(text, inputBytes ?? undefined);
  sharedInputs.set(id, shared);
  return shared;
}

/** What the plane adds to a Task's input for one Step: JSON text of an object, or empty. */
function partsOf({ id, spec }: TaskRow, step: StepRow, work: Workspace): string {
  const { config, compensates } = step.spec;
  const own = work.stepInputs.get(stepKey({ taskId: id, stepName: step.name }));
  invariant(
    own !== undefined || !step.hasInput,
    `the input of step ${step.name} of task ${id} is not at hand`,
  );
  if (!config && own === undefined && !compensates) return "";

  const parts = new Map(membersOf(own ?? "{}"));
  if (config && !parts.has("config")) parts.set("config", exactJsonText(config));
  if (compensates) parts.set("compensate", compensate(compensates, spec.compensates, work));
  return withMembers("{}", parts);
}

function compensate(
  compensates: NonNullable<StepRow["spec"]["compensates"]>,
  taskId: string,
  work: Workspace,
): string {
  const { stepName, error } = compensates;
  const result = work.outputs.get(stepKey(compensates)) || "null";
  return withMembers(
    JSON.stringify({ task_id: taskId, step: stepName, error }),
    new Map([["result", result]]),
  );
}
