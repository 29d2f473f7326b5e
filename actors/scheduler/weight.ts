import type { StepKey } from "#domain/id";
import { type StepRow, satisfies } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { WorkerProtocol } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { mappedWeight } from "../mapped-input.js";
import type { MessageView } from "../view.js";

/** Which results of its dependencies are sent with a Run. */
export interface Dependencies {
  /** Steps whose results fit, in order. */
  readonly inline: readonly StepKey[];
  /** Steps whose results do not. */
  readonly refs: readonly string[];
  /** Steps that failed and were passed over. */
  readonly failed: readonly string[];
  /** Results of those that fit, in bytes. */
  readonly bytes: number;
}

/** Which results a Step is given, by the rows of the Steps it depends on. */
export function dependenciesOf(
  view: Pick<MessageView, "step">,
  step: StepRow,
  most: number = limits.dependencyResultsBytes,
): Dependencies {
  const inline: StepKey[] = [];
  const refs: string[] = [];
  const failed: string[] = [];
  const whole = Math.max(0, Math.min(most, limits.dependencyResultsBytes));
  let room = whole;
  for (const stepName of step.dependsOn) {
    const key = { taskId: step.taskId, stepName };
    const before = view.step(key);
    if (before?.state === "error" && satisfies(before)) failed.push(stepName);
    if (!before || before.outputBytes === 0) continue;
    if (before.outputBytes > room) {
      refs.push(stepName);
      continue;
    }
    room -= before.outputBytes;
    inline.push(key);
  }
  return { inline, refs, failed, bytes: whole - room };
}

/** True if the worker gets a reference to the Task's input instead of the input. False if its size is unknown. */
export function isByReference({ inputBytes }: TaskRow, protocol: WorkerProtocol): boolean {
  return protocol >= 2 && inputBytes !== null && inputBytes > limits.inlineInputBytes;
}

/**
 * Roughly what the assignment will weigh, by rows alone: what is not known counts as much as it may be, and what
 * every assignment has, nothing.
 */
export function assignmentWeight(
  task: TaskRow,
  step: StepRow,
  view: Pick<MessageView, "step">,
  protocol: WorkerProtocol,
): number {
  const { config, compensates, input: mapping } = step.spec;
  const whole = task.inputBytes ?? limits.inputBytes;
  const sent = isByReference(task, protocol) ? 0 : whole;
  const input = mapping ? mappedWeight(step, mapping, whole, view) : sent;
  const own = step.hasInput ? (step.inputBytes ?? limits.inputBytes) : 0;
  const compensated = compensates ? limits.resultBytes : 0;
  const parts = own + compensated + (config ? JSON.stringify(config).length : 0);
  return input + parts + (step.dependsOn.length > 0 ? dependenciesOf(view, step).bytes : 0);
}
