import type { StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { tellScheduler } from "../make-command.js";
import { sourceSteps } from "../mapped-input.js";
import type { MessageView } from "../view.js";
import type { SchedulerHandler } from "./handler.js";
import type { Placement } from "./messages.js";
import { affordable } from "./placement.js";
import { besides, isTemplatePaused } from "./shelve.js";
import { assignmentWeight } from "./weight.js";

/** Estimates from rows, before any input is loaded, what each assignment weighs; those beyond the limits wait for a later turn. */
export const weigh: SchedulerHandler<"weigh"> = {
  needs({ placements }, view) {
    const before = withinLimit(placements, view).flatMap(({ taskId, dependsOn, spec }) => [
      ...dependsOn.map((stepName) => ({ taskId, stepName })),
      ...(spec.input ? sourceSteps(spec.input, taskId) : []),
    ]);
    return { steps: before.length > 0 ? [...placements, ...before] : placements };
  },

  decide(message, view, _moment, before) {
    const weights = weightsOf(message.placements, view);
    const { placements, served } = affordable(message.placements, weights, view.offer, before);
    const commands: Command[] = [];
    const paused = message.placements.filter((key) => isTemplatePaused(key, view));
    if (paused.length > 0) commands.push(tellScheduler({ type: "shelve", steps: besides(paused, view) }));
    const leftOut = message.placements.length - placements.length;
    if (leftOut > 0) commands.push({ type: "reply", params: { answer: { type: "scheduled", leftOut } } });
    if (placements.length > 0) {
      commands.push(tellScheduler({ type: "assign", placements }));
    }
    return leftOut > 0 ? { commands, served } : { commands };
  },
};

/** The first Steps whose dependencies together are within what one turn may read. */
function withinLimit(placements: readonly Placement[], view: MessageView): StepRow[] {
  const steps: StepRow[] = [];
  let rows = 0;
  for (const key of placements) {
    if (rows >= limits.turnDependencies) break;
    const step = view.step(key);
    if (!step) continue;
    steps.push(step);
    rows += step.dependsOn.length;
  }
  return steps;
}

/** The weight of each placement; undefined for one whose dependencies are not read in this turn, or whose template is paused. */
function weightsOf(placements: readonly Placement[], view: MessageView): (number | undefined)[] {
  const loaded = new Set(withinLimit(placements, view));
  return placements.map((key) => {
    const step = view.step(key);
    const task = view.task(key.taskId);
    if (!step || !task || !loaded.has(step) || isTemplatePaused(key, view)) return undefined;
    return assignmentWeight(task, step, view, view.session(key.session)?.protocol ?? 0);
  });
}
