import { stepKey } from "#domain/id";
import type {
  InspectedActor,
  InspectedEntity,
  InspectedRows,
  InspectionSource,
  TurnRecords,
} from "#ports/inspection";
import { ROOT_ACTOR, type Shown } from "./names.js";

/**
 * Finds the parents of entities as they were at the beginning of a turn, so that a viewer is told of them before what
 * the turn changes.
 */
export class Lineage {
  readonly #turn: Pick<TurnRecords, "records" | "rows">;
  readonly #source: Pick<InspectionSource, "actors">;
  #before: ReadonlyMap<string, InspectedEntity> | undefined;

  constructor(turn: Pick<TurnRecords, "records" | "rows">, source: Pick<InspectionSource, "actors">) {
    this.#turn = turn;
    this.#source = source;
  }

  get rows(): InspectedRows {
    return this.#turn.rows;
  }

  /** Undefined for the root, and if the turn did not have the row. */
  parentOf(entity: Shown): Shown | undefined {
    switch (entity.kind) {
      case "outside":
        return entity.name === "runtime" ? undefined : ROOT_ACTOR;
      case "actor":
        return ROOT_ACTOR;
      case "worker":
        return this.#actor("run-tracker");
      case "task": {
        const { parent } = entity.row.spec;
        if (!parent) return this.#actor("task-finalizer");
        const row = this.rows.step(parent);
        return row && this.#first(stepKey(parent), { kind: "step", row });
      }
      case "step": {
        const row = this.rows.task(entity.row.taskId);
        return row && this.#first(row.id, { kind: "task", row });
      }
      case "run": {
        const row = this.rows.step(entity.row);
        return row && this.#first(stepKey(entity.row), { kind: "step", row });
      }
    }
  }

  #actor(name: InspectedActor): Shown | undefined {
    return this.#source.actors().find((actor) => actor.name === name);
  }

  /** The entity as it was before the turn; `now` if the turn has not changed it. */
  #first(key: string, now: InspectedEntity): InspectedEntity {
    this.#before ??= beforeOf(this.#turn.records);
    return this.#before.get(key) ?? now;
  }
}

/** Tasks and Steps before their first change in the turn; what it has created, as it was made. */
function beforeOf(records: TurnRecords["records"]): ReadonlyMap<string, InspectedEntity> {
  const first = new Map<string, InspectedEntity>();
  for (const record of records) {
    if (record.type !== "change") continue;
    const entity = record.before ?? record.after;
    if (entity.kind !== "task" && entity.kind !== "step") continue;
    const key =
      entity.kind === "task"
        ? entity.row.id
        : stepKey({ taskId: entity.row.taskId, stepName: entity.row.name });
    if (!first.has(key)) first.set(key, entity);
  }
  return first;
}
