import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { abandonRun, runsAt } from "./runs.js";

/** The lease is over: what the worker held is lost. A heartbeat that came first has moved the lease. */
export const silent: RunTrackerHandler<"silent"> = {
  needs: ({ session }, view) => ({ runs: [...view.heldBy(session)] }),

  decide({ session }, view, { at }) {
    if (!view.session(session) || view.leaseUntil(session) > at) return [];
    return [
      advanceWorker(session, { type: "silent", at }),
      ...runsAt(view.heldBy(session), view).map((run) =>
        abandonRun(run, at, "the worker was silent for longer than its lease"),
      ),
    ];
  },
};
