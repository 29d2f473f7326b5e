import { mayUse } from "#domain/caller";
import { taskNotFound } from "#domain/refusals";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";

/**
 * `Plane.watch`: follows a Task's log, reading from the store without the actors. Checks the caller's namespaces here,
 * for programs that call the plane directly and not through a use case.
 */
export function watch({ core, watchers }: Supervisor): Plane["watch"] {
  return (caller, taskId, afterSeq, signal) => {
    const mayWatch = async () => {
      if (caller.namespaces === "*") return;
      const { reads } = core.store;
      const detail = await (reads.within?.(caller.namespaces) ?? reads).task(taskId);
      if (!detail || !mayUse(caller, detail.task.namespace)) throw taskNotFound(taskId);
    };
    return watchers.watch(taskId, afterSeq, signal, mayWatch);
  };
}
