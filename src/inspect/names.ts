import { type StepKey, stepKey, type TaskId } from "#domain/id";
import type { InspectedActor, InspectedEntity, Outside } from "#ports/inspection";

/** The session id of the actor above all others: the plane itself. */
export const ROOT = "taskrun";

const actorId = (name: InspectedActor): string => `actor:${name}`;
const taskId = (id: TaskId): string => `task:${id}`;
const stepId = (key: StepKey): string => `step:${stepKey(key)}`;

/** The root as an actor: it sends what the runtime tells actors. */
export const ROOT_ACTOR: Outside = { kind: "outside", name: "runtime" };

/** The parent of Tasks that are no Step of another one. */
export const TASK_PARENT = actorId("task-finalizer");

/** What is shown as an actor: an entity, the root (which is the runtime), or a source of messages outside the plane. */
export type Shown = InspectedEntity | Outside;

/** The session id by which an actor is known to inspectors, the same in every viewer and after every restart. */
export function sessionIdOf(entity: Shown): string {
  switch (entity.kind) {
    case "outside":
      return entity.name === "runtime" ? ROOT : `outside:${entity.name}`;
    case "actor":
      return actorId(entity.name);
    case "task":
      return taskId(entity.row.id);
    case "step":
      return stepId({ taskId: entity.row.taskId, stepName: entity.row.name });
    case "run":
      return `run:${entity.row.id}`;
    case "worker":
      return `worker:${entity.row.id}`;
  }
}

/** Undefined for the root. */
export function parentIdOf(entity: Shown): string | undefined {
  switch (entity.kind) {
    case "outside":
      return entity.name === "runtime" ? undefined : ROOT;
    case "actor":
      return ROOT;
    case "task": {
      const { parent } = entity.row.spec;
      return parent ? stepId(parent) : TASK_PARENT;
    }
    case "step":
      return taskId(entity.row.taskId);
    case "run":
      return stepId(entity.row);
    case "worker":
      return actorId("run-tracker");
  }
}

/** A name for people; not unique. */
export function nameOf(entity: Shown): string {
  switch (entity.kind) {
    case "outside":
      return entity.name === "runtime" ? ROOT : entity.name;
    case "actor":
      return entity.name;
    case "task": {
      const { template, agentName } = entity.row.spec;
      return template?.name ?? agentName;
    }
    case "step":
      return entity.row.name;
    case "run":
      return `run ${entity.row.fence}`;
    case "worker":
      return entity.row.info.workerId;
  }
}

/** The Task that an entity is, or is a part of; undefined for workers and the four actors. */
export function taskOf(entity: Shown): TaskId | undefined {
  switch (entity.kind) {
    case "task":
      return entity.row.id;
    case "step":
    case "run":
      return entity.row.taskId;
    default:
      return undefined;
  }
}
