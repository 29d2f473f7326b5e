import { type RunId, type StepKey, stepKey, type TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import type { InspectedEntity, InspectionSource } from "#ports/inspection";
import { Lineage } from "./lineage.js";
import type { ViewerOptions } from "./viewer.js";

/**
 * What the store has that a new viewer is told of: the Task it has asked for with its Steps and Runs, and so the Tasks
 * that it waits for; otherwise the newest Tasks that have not ended.
 */
export async function storedOf(
  { taskId }: ViewerOptions,
  source: Pick<InspectionSource, "task" | "tasks">,
): Promise<readonly InspectedEntity[]> {
  if (taskId !== undefined) return familyOf(taskId, source);
  const found: InspectedEntity[] = [];
  const seen = new Set<TaskId>();
  /** A child comes behind the Task whose Step it is, which may have ended a moment before it. */
  const add = async (id: TaskId): Promise<void> => {
    if (seen.has(id)) return;
    seen.add(id);
    const entities = await entitiesOf(id, source);
    const [task] = entities;
    if (task?.kind === "task" && task.row.spec.parent) await add(task.row.spec.parent.taskId);
    found.push(...entities);
  };
  const newest = await source.tasks(limits.inspectFirstTasks);
  // Oldest first, as they would have been seen.
  for (const { id, state } of newest.toReversed()) if (!isTerminal(state)) await add(id);
  return found;
}

/** A Task, those that are Steps of it, and those that compensate one of them; of very many the nearest. */
async function familyOf(
  id: TaskId,
  source: Pick<InspectionSource, "task">,
): Promise<readonly InspectedEntity[]> {
  const found: InspectedEntity[] = [];
  const ids = new Set([id]);
  for (const next of ids) {
    const entities = await entitiesOf(next, source);
    found.push(...entities);
    for (const entity of entities) {
      const other =
        entity.kind === "task" ? entity.row.compensatedBy : entity.kind === "step" && entity.row.childId;
      if (other && ids.size < limits.inspectFirstTasks) ids.add(other);
    }
  }
  return found;
}

async function entitiesOf(
  id: TaskId,
  source: Pick<InspectionSource, "task">,
): Promise<readonly InspectedEntity[]> {
  const detail = await source.task(id);
  if (!detail) return [];
  return [
    { kind: "task", row: detail.task },
    ...detail.steps.map((row) => ({ kind: "step", row }) as const),
    ...detail.runs.map((row) => ({ kind: "run", row }) as const),
  ];
}

/** The lineage of entities that no turn has brought. */
export function lineageOf(
  entities: readonly InspectedEntity[],
  source: Pick<InspectionSource, "actors">,
): Lineage {
  const tasks = new Map<TaskId, TaskRow>();
  const steps = new Map<string, StepRow>();
  const runs = new Map<RunId, RunRow>();
  for (const entity of entities) {
    if (entity.kind === "task") tasks.set(entity.row.id, entity.row);
    if (entity.kind === "step") {
      const { taskId, name: stepName } = entity.row;
      steps.set(stepKey({ taskId, stepName }), entity.row);
    }
    if (entity.kind === "run") runs.set(entity.row.id, entity.row);
  }
  const rows = {
    task: (id: TaskId) => tasks.get(id),
    step: (key: StepKey) => steps.get(stepKey(key)),
    run: (id: RunId) => runs.get(id),
  };
  return new Lineage({ records: [], rows }, source);
}
