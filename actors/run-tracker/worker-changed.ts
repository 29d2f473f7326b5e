import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";

/** A worker's status or capacity has changed. */
export const workerChanged: RunTrackerHandler<"worker.changed"> = {
  needs: () => ({}),

  decide: ({ session, status, capacity }, _view, { at }) => [
    advanceWorker(session, { type: "beat", at, status, capacity }),
  ],
};
