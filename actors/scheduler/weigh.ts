import { limits } from "#domain/limits";
import type { StepRow } from "#domain/step";
import type { Command } from "../commands.js";
import type { MessageView } from "../view.js";
import type { SchedulerHandler } from "./handler.js";
import type { Placement } from "./messages.js";
import { affordable } from "./placement.js";
import { assignmentWeight } from "./weight.js";

/** Rows say how much there is to load before it is loaded. What there is no room for goes in a later turn. */
export const weigh: SchedulerHandler<"weigh"> = {
  needs({ placements }, view) {
    const before = withinLimit(placements, view).flatMap(({ taskId, dependsOn }) =>
      dependsOn.map((stepName) => ({ taskId, stepName })),
    );
    return { steps: before.length > 0 ? [...placements, ...before] : placements };
  },

  decide(message, view, _moment, before) {
    const weights = weightsOf(message.placements, view);
    const { placements, served } = affordable(message.placements, weights, view.offer, before);
    const commands: Command[] = [];
    const leftOut = message.placements.length - placements.length;
    if (leftOut > 0) commands.push({ type: "reply", params: { answer: { type: "scheduled", leftOut } } });
    if (placements.length > 0) {
      commands.push({ type: "tell", params: { to: "scheduler", message: { type: "assign", placements } } });
    }
    return leftOut > 0 ? { commands, served } : { commands };
  },
};

/** As many of the Steps, in their order, as one turn may look behind. */
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

/** Only what has all its rows here can be weighed. */
function weightsOf(placements: readonly Placement[], view: MessageView): (number | undefined)[] {
  const loaded = new Set(withinLimit(placements, view));
  return placements.map((key) => {
    const step = view.step(key);
    const task = view.task(key.taskId);
    if (!step || !task || !loaded.has(step)) return undefined;
    return assignmentWeight(task, step, view, view.session(key.session)?.protocol ?? 0);
  });
}
