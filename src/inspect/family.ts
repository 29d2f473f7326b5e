import type { RunId, TaskId } from "#domain/id";
import type { TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import type { InspectedMessage, InspectedRows, InspectionRecord } from "#ports/inspection";
import { taskOf } from "./names.js";

/** A Task that a viewer has asked for, with the Tasks below it and those that compensate one of them. */
export class TaskFamily {
  readonly #ids = new Set<TaskId>();

  constructor(id: TaskId) {
    this.#ids.add(id);
  }

  has(id: TaskId): boolean {
    return this.#ids.has(id);
  }

  /** True if the Task belongs to it, which it may be found to do by its row. */
  includes(id: TaskId, row: TaskRow | undefined): boolean {
    if (this.#ids.has(id)) return true;
    if (!row || this.#ids.size >= limits.inspectFamily) return false;
    const { parent, compensates } = row.spec;
    if (!(parent && this.#ids.has(parent.taskId)) && !(compensates !== "" && this.#ids.has(compensates))) {
      return false;
    }
    this.#ids.add(id);
    return true;
  }
}

/** The Tasks that a record is about: none of what concerns the four actors or workers alone. */
export function tasksOf(record: InspectionRecord, rows: InspectedRows): readonly TaskId[] {
  switch (record.type) {
    case "message": {
      const own = taskOf(record.to) ?? taskOf(record.from);
      return own ? [own] : tasksOfMessage(record.message, rows);
    }
    case "change":
      return listOf(taskOf(record.after));
    case "state":
      return listOf(taskOf(record.entity));
    case "deadline":
      return [record.taskId];
  }
}

/** Of a message from outside to an actor: what it names. */
function tasksOfMessage(message: InspectedMessage, rows: InspectedRows): readonly TaskId[] {
  const named = message as NamesTasks;
  if (named.taskId) return [named.taskId];
  if (named.report) return listOf(rows.run(named.report.runId)?.taskId);
  const ids = [...(named.placements ?? []), ...(named.drafts ?? [])].map((each) =>
    "id" in each ? each.id : each.taskId,
  );
  return [...new Set(ids)];
}

/** The fields of messages of actors that name Tasks. */
interface NamesTasks extends InspectedMessage {
  readonly taskId?: TaskId;
  readonly report?: { readonly runId: RunId };
  readonly placements?: readonly { readonly taskId: TaskId }[];
  readonly drafts?: readonly { readonly id: TaskId }[];
}

function listOf(id: TaskId | undefined): readonly TaskId[] {
  return id ? [id] : [];
}
