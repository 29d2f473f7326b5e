import { mayUse } from "#domain/caller";
import { taskNotFound } from "#domain/refusals";
import type { Plane } from "#ports/plane";
import type { TaskWait } from "#ports/task-wait";
import type { Supervisor } from "../supervisor.js";

/**
 * `Plane.wait`: begins to wait for the end of a Task, without the actors. Checks the caller's namespaces here, for
 * programs that call the plane directly and not through a use case.
 */
export function wait({ waiters }: Supervisor): Plane["wait"] {
  return (caller, taskId): TaskWait => {
    const begun = waiters.begin(taskId);
    if (caller.namespaces === "*") return begun;
    return {
      follow: (other) => begun.follow(other),
      close: () => begun.close(),
      ended: async (most, signal) => {
        const end = await begun.ended(most, signal);
        if (end.type === "ended" && !mayUse(caller, end.task.namespace)) throw taskNotFound(end.task.id);
        return end;
      },
    };
  };
}
