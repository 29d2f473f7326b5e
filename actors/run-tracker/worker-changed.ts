import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { rowKeysOf } from "./worker-rows.js";

/** A worker's status, its capacity or what it runs has changed. */
export const workerChanged: RunTrackerHandler<"worker.changed"> = {
  needs: ({ session }, view) => ({ workers: rowKeysOf(view.session(session), view) }),

  decide: ({ session, status, capacity, agents, lostTasks }, _view, { at }) => [
    advanceWorker(session, {
      ...{ type: "beat", at, status },
      ...(capacity !== undefined && { capacity }),
      ...(agents && { agents }),
      ...(lostTasks && { lostTasks }),
    }),
  ],
};
