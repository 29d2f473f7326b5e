import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { abandonRun, heldRuns } from "./runs.js";
import { rowKeysOf } from "./worker-rows.js";

/** The lease is over: what the worker held is lost. A heartbeat that came first has moved the lease. */
export const silent: RunTrackerHandler<"silent"> = {
  needs: ({ session }, view) => ({
    workers: rowKeysOf(view.session(session), view),
    runs: [...view.heldBy(session)],
  }),

  decide({ session }, view, { at }) {
    if (!view.session(session) || view.leaseUntil(session) > at) return [];
    return [
      advanceWorker(session, { type: "silent", at }),
      ...heldRuns(session, view).map((run) =>
        abandonRun(run, at, "the worker was silent for longer than its lease"),
      ),
    ];
  },
};
