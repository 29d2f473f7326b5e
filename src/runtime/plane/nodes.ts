import type { NodeId } from "#domain/id";
import type { NodeView } from "#domain/node";
import { NEVER } from "#domain/time/time";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";

/** `Plane.nodes`: the nodes of a shared store; of a store of one process only this server, as the last commit left it. */
export function nodes({ core, clockStarter }: Supervisor): Plane["nodes"] {
  // Drawn when it is first asked for: nobody else needs it where no store has nodes.
  let id: NodeId | undefined;
  return async () => {
    if (core.store.nodes) return core.store.nodes.list();
    id ??= core.entropy.uuid() as NodeId;
    const connected = core.memory.roster
      .committed()
      .filter(({ row }) => row.state !== "detached" && row.state !== "gone");
    const only: NodeView = {
      ...core.self,
      id,
      state: core.actors.stateOf("task-request") === "draining" ? "draining" : "live",
      startedAt: clockStarter.started?.at ?? NEVER,
      leaseUntil: NEVER,
      takenBy: "",
      workers: connected.length,
      runs: core.memory.roster.committed().reduce((sum, { held }) => sum + held, 0),
    };
    return [only];
  };
}
