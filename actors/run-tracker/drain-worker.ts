import { workerNotFound } from "#domain/refusals";
import { advanceWorker, refuse } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";

/** An operator wants a worker to be given no more Runs. */
export const drainWorker: RunTrackerHandler<"drain.worker"> = {
  needs: () => ({}),

  decide({ caller, workerId, message }, view, { at }) {
    const session = view.sessionOf(caller.principal, workerId);
    if (!session || session.state === "detached") return [refuse(workerNotFound(workerId))];
    return [
      advanceWorker(session.id, { type: "drain", at, message }),
      { type: "reply", params: { answer: { type: "worker", session: session.id } } },
    ];
  },
};
