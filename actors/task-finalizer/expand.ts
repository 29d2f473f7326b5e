import { planNeeds } from "../handler.js";
import { noteDoubt } from "../step/doubt.js";
import { completeExpanded, fail } from "../step/outcomes.js";
import { behaviorOf } from "../step-types/index.js";
import { applyExpansion, expansionLimitError } from "../task/expansion.js";
import { liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** A decision or a batch has its result: the Steps that it asks for are made, and then it is complete. */
export const expand: FinalizerHandler<"expand"> = {
  needs({ taskId, template }, view) {
    return { graphs: [taskId], ...planNeeds(template, view.task(taskId), view) };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "enqueued_for_orchestration") return [];
    const plan = view.plan(message.template, task.spec.environment);
    // Its agent has done its work, whatever becomes of the result.
    const doubt = noteDoubt(task, step);
    if (!plan) return [...doubt, ...fail(step, "the template of this task is no longer known", at)];

    const { type } = step.spec;
    const steps = view.stepsOf(task.id);
    const expanded =
      behaviorOf(step).expand?.(plan, step, steps, message.output) ?? `a step of type ${type} makes none`;
    const problem = typeof expanded === "string" ? expanded : expansionLimitError(steps, expanded.expansion);
    if (typeof expanded === "string" || problem !== undefined) {
      const text = `the result of ${type} "${step.name}" cannot be followed: ${problem}`;
      return [...doubt, ...fail(step, text, at)];
    }
    return [...applyExpansion(task, step, steps, expanded, view, at), ...completeExpanded(task, step, at)];
  },
};
