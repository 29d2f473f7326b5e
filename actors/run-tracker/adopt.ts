import type { RunTrackerHandler } from "./handler.js";
import { runsAt } from "./runs.js";

/** The node that looked after these Runs is gone: this one does from now on. Their workers have a while to come back. */
export const adopt: RunTrackerHandler<"adopt"> = {
  needs: ({ runIds }) => ({ runs: runIds }),

  decide: ({ runIds, from }, view) =>
    runsAt(runIds, view)
      .filter((run) => run.heldBy !== "" && (run.node ?? "") === from)
      .map(({ id: runId }) => ({ type: "adoptRun", params: { runId } })),
};
