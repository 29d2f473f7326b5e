import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { hasEnded, type StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { planNeeds } from "../handler.js";
import { keysOf } from "../keys.js";
import { advanceStep, keyOf, refuse, replyTask } from "../make-command.js";
import { noteAction } from "../step/by-hand.js";
import { keepOutput } from "../step/outcomes.js";
import { unfit } from "../step/unfit.js";
import { behaviorOf } from "../step-types/index.js";
import { agentSignalNeeds, signalAgents } from "./agent-signal.js";
import type { FinalizerHandler } from "./handler.js";

/** A client's payload for a waiting Step; one that comes before the Step waits is kept for it. */
export const signal: FinalizerHandler<"signal"> = {
  needs({ caller, taskId, signal: name }, view) {
    const task = view.task(taskId);
    // No more is read for a Task that the caller must not know of than for none.
    if (task && !mayUse(caller, task.namespace)) return { graphs: [taskId] };
    const receivers = receiversOf(view.stepsOf(taskId), name).map((step) => step.name);
    if (task && receivers.length === 0) return agentSignalNeeds(task, name);
    return {
      graphs: [taskId],
      outputs: keysOf(taskId, receivers),
      stepActions: keysOf(taskId, receivers),
      ...planNeeds(task?.spec.template ?? null, task, view),
    };
  },

  decide(message, view, { at }) {
    const { caller, taskId, signal: name, payload, reason } = message;
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
    const steps = view.stepsOf(taskId);
    const receivers = receiversOf(steps, name);
    if (receivers.length === 0 && !isTerminal(task.state)) {
      const agents = signalAgents(task, steps, message, view, at);
      if (agents) return agents;
    }
    const step = nextReceiver(receivers);
    const isRepeated = receivers.some(
      (each) => each.signalled && view.output({ taskId, stepName: each.name }) === payload,
    );
    if (!step && isRepeated) return [replyTask(taskId)];
    if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
    if (!step) return [refuse(noSuchSignal(task, name, steps))];

    const problem = view.resultProblem(step, payload);
    if (problem) return [refuse(unfit("payload_json", step, problem))];
    const signalled = advanceStep(step, { type: "signalled", at, outputBytes: utf8Bytes(payload) });
    const noted = noteAction(keyOf(step), { caller, type: "signal", reason }, view, at);
    if (step.state === "pending") return [...keepOutput(step, payload), signalled, noted, replyTask(taskId)];
    const received = behaviorOf(step).signal?.received(task, step, payload, at) ?? [];
    return [signalled, ...received, noted, replyTask(taskId)];
  },
};

/** The signal that a Step waits for, or will. */
function signalOf(step: StepRow): string | undefined {
  return behaviorOf(step).signal?.name(step);
}

function receiversOf(steps: readonly StepRow[], name: string): StepRow[] {
  return steps.filter((step) => signalOf(step) === name);
}

/** The Step that takes the next payload: one that waits, before one that will. */
function nextReceiver(receivers: readonly StepRow[]): StepRow | undefined {
  const open = receivers.filter(isOpen);
  return open.find(({ state }) => state === "in_progress") ?? open[0];
}

function isOpen({ state, signalled }: StepRow): boolean {
  return !hasEnded(state) && !signalled;
}

function noSuchSignal(task: TaskRow, name: string, steps: readonly StepRow[]): Fault {
  const known = steps.filter(isOpen).flatMap((step) => {
    const signal = signalOf(step);
    return signal === undefined ? [] : `"${signal}"`;
  });
  const waits = known.length > 0 ? `it waits for ${known.join(", ")}` : "it waits for none";
  return receiversOf(steps, name).length > 0
    ? new Fault("wrong_state", `task ${task.id} has had its signal "${name}"; ${waits}`, {
        reason: "SIGNAL_TAKEN",
      })
    : new Fault("not_found", `task ${task.id} has no step that waits for a signal "${name}"; ${waits}`, {
        reason: "SIGNAL_NOT_FOUND",
      });
}
