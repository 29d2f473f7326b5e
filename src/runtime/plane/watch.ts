import { mayUse } from "#domain/caller";
import { taskNotFound } from "#domain/refusals";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";

/** A Task's log, followed past the actors. A program that calls the plane itself is held to its namespaces here. */
export function watch({ core, watchers }: Supervisor): Plane["watch"] {
  return (caller, taskId, afterSeq, signal) => {
    const mayWatch = async () => {
      if (caller.namespaces === "*") return;
      const detail = await core.store.reads.task(taskId);
      if (!detail || !mayUse(caller, detail.task.namespace)) throw taskNotFound(taskId);
    };
    return watchers.watch(taskId, afterSeq, signal, mayWatch);
  };
}
