import { isOver } from "#domain/task/run";
import type { Command } from "../commands.js";
import type { RunTrackerHandler } from "./handler.js";
import { abandonRun, cancelRun, runsAt } from "./runs.js";

/** Reconciles the Runs that the plane believes a worker holds with those that the worker names. */
export const held: RunTrackerHandler<"held"> = {
  needs: ({ session, held }, view) => ({ runs: [...view.heldBy(session), ...held.runIds] }),

  decide({ session, held }, view, { at }) {
    const named = new Set(held.runIds);
    const commands: Command[] = [];
    for (const run of runsAt([...view.heldBy(session), ...held.runIds], view)) {
      if (run.heldBy !== session || named.has(run.id) || run.ordinal > held.lastOrdinal) continue;
      commands.push(abandonRun(run, at, "the worker no longer has the run"));
    }
    for (const runId of held.runIds) {
      const run = view.run(runId);
      if (run?.heldBy === session && !isOver(run.status)) continue;
      const reason = run?.heldBy === session ? "the run has ended" : "the run is not yours";
      commands.push(cancelRun(session, runId, reason));
    }
    return commands;
  },
};
