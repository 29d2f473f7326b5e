import type { TaskId } from "#domain/id";
import { WHOLE_TASK } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { spawnedBy } from "./journal.js";

/** Cancels what the Step's agent has begun as Tasks of their own: they end with the Step. Nothing if there is none. */
export function endSpawned(step: Pick<StepRow, "journal">, at: Instant): Command[] {
  return step.journal ? spawnedBy(step).map((id) => orphan(id, at)) : [];
}

/**
 * Cancels a Task whose Step has ended: in a turn of its own, as children may have children, and one commit must not end them
 * all.
 */
export function orphan(taskId: TaskId, at: Instant): Command {
  return { type: "setDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "orphan", at } };
}
