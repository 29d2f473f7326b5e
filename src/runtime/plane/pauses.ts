import type { Pause } from "#domain/pause/pause";
import { utf8Bytes } from "#domain/text/text";
import type { PausePlane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { ask } from "./ask.js";
import { ownerOf } from "./drain-worker.js";

/** The operations of the plane that hold Steps back from workers. */
export function pauseOperations(supervisor: Supervisor): PausePlane {
  const { core } = supervisor;
  return {
    pause(caller, { scope, reason, until }) {
      const message = { type: "pause", caller, scope, message: reason, until } as const;
      return ask<Pause>(supervisor, "scheduler", message, utf8Bytes(reason));
    },
    resume: (caller, scope) =>
      ask<Pause | undefined>(supervisor, "scheduler", { type: "resume", caller, scope }, 0),
    pauses: () => core.memory.pauses.committed.current(core.clock.now()),
    ownerOf: (caller, workerId) => ownerOf(core, caller, workerId),
  };
}
