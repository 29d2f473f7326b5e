import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { WorkerConnection } from "../watch/worker-connection.js";

/** `Plane.connect`: attaches a worker's stream. */
export function connect(supervisor: Supervisor): Plane["connect"] {
  const { core, timers, bus } = supervisor;
  const parts = {
    core,
    timers,
    drained: () => supervisor.drained(),
    post: (mail: Parameters<Supervisor["post"]>[0]) => supervisor.post(mail),
    room: () => bus.room("run-tracker"),
  };
  return (caller, sink) => new WorkerConnection(caller, sink, parts);
}
