import type { StepKey } from "#domain/id";
import { templateScope } from "#domain/pause/pause";
import { laneOf, laneOfKey } from "#domain/task/lane";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import type { MessageView } from "../view.js";
import type { SchedulerHandler } from "./handler.js";

/**
 * Moves Steps of a paused template into a lane of its own, which is not served before the template is resumed, and is a lane like any
 * other then. A lane does not know the templates of its Steps: they are found when their turn has come.
 */
export const shelve: SchedulerHandler<"shelve"> = {
  needs: ({ steps }) => ({ steps }),

  decide: ({ steps }, view) => ({ commands: steps.flatMap((key) => moved(key, view)) }),
};

function moved(key: StepKey, view: MessageView): Command[] {
  const step = view.step(key);
  if (step?.state !== "enqueued" || !isTemplatePaused(key, view)) return [];
  const { namespace, spec } = view.task(key.taskId) ?? {};
  const known = laneOfKey(step.lane);
  if (namespace === undefined || !spec?.template || known?.template) return [];
  const { taskId, stepName } = key;
  const lane = laneOf(namespace, step.agentName, spec.workerSelector, spec.template).key;
  return [{ type: "moveStep", params: { taskId, stepName, lane } }];
}

/** True if the template of the Step's Task is paused, as far as its rows are here. */
export function isTemplatePaused({ taskId }: StepKey, view: MessageView): boolean {
  if (!view.pauses.hasTemplates) return false;
  const template = view.task(taskId)?.spec.template;
  return template ? view.pauses.get(templateScope(template)) !== undefined : false;
}

/** Ready Steps at the heads of the lanes of these, so that those of one template need not come up one by one. */
export function besides(steps: readonly StepKey[], view: MessageView): StepKey[] {
  const lanes = new Set(steps.map((key) => view.step(key)?.lane));
  const heads = view.lanes.filter(({ lane }) => lanes.has(lane.key)).flatMap(({ ready }) => ready);
  return heads.slice(0, limits.shelvedAtOnce).map(({ taskId, stepName }) => ({ taskId, stepName }));
}
