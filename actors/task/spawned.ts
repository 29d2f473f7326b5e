import { WHOLE_TASK } from "#domain/task/deadline";
import type { ChildRequest } from "#domain/task/journal";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import type { MessageView } from "../view.js";
import { childDraft, type WantedChild } from "./child.js";
import { rowsOfDraft } from "./make.js";
import { createTask } from "./start.js";

/** A Task that the agent of a Step has asked for: it belongs to the Step, and ends with it. */
export interface SpawnedTask {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly input: string;
}

/** The rows of the child, or why there can be none, as a sentence. */
export function spawnedTask(
  task: TaskRow,
  step: StepRow,
  request: ChildRequest,
  view: MessageView,
  at: Instant,
): SpawnedTask | string {
  const draft = childDraft(task, step, wantedBy(request, task, view), view);
  return typeof draft === "string" ? draft : { ...rowsOfDraft(draft, view, at), input: draft.input };
}

/** Creates it. It is started in a turn of its own: one commit must not make all that children may have. */
export function createSpawned({ task, steps, input }: SpawnedTask, at: Instant): Command[] {
  const start = { taskId: task.id, stepName: WHOLE_TASK, kind: "start", at } as const;
  return [...createTask(task, steps, input, at, false), { type: "setDeadline", params: start }];
}

/** What the agent has not said of it is as its template, its agent or its parent has it. */
function wantedBy(
  { agentName, template, input, labels, timeoutMs, maxAttempts, workerSelector }: ChildRequest,
  { namespace, spec }: TaskRow,
  view: MessageView,
): WantedChild {
  return {
    template,
    by: "agent",
    input: () => ({ text: input }),
    spec: (plan) => {
      const announced = plan ? undefined : view.announcementOf(namespace, agentName);
      return {
        agentName,
        labels,
        timeoutMs: timeoutMs > 0 ? timeoutMs : (plan?.timeoutMs ?? timeoutMs),
        maxAttempts: maxAttempts || (plan ? 0 : (announced?.retry.attempts ?? 1)),
        maxLosses: null,
        workerSelector: Object.keys(workerSelector).length > 0 ? workerSelector : spec.workerSelector,
      };
    },
  };
}
