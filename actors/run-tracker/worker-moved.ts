import { processOf } from "#domain/refusals";
import type { Instant } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import type { WorkerRow } from "#domain/worker/worker-row";
import type { Command } from "../commands.js";
import { advanceWorker } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { giveUp, heldRuns } from "./runs.js";
import { rowKeysOf, rowOf } from "./worker-rows.js";

/** Another node has written the row of a worker of this one: it has the worker's new session, or wants it to drain. */
export const workerMoved: RunTrackerHandler<"worker.moved"> = {
  needs: ({ session }, view) => ({
    workers: rowKeysOf(view.session(session), view),
    runs: [...view.heldBy(session)],
  }),

  decide({ session }, view, { at }) {
    const own = view.session(session);
    const row = own && rowOf(own, view);
    if (!own || !row) return [];
    if (row.session.id === session) return drained(own, row, at);

    const sameProcess = own.protocol >= 1 && row.session.instance === own.instance;
    const by = sameProcess ? {} : { by: processOf(row.session) };
    return [
      advanceWorker(session, { type: "superseded", at, ...by }),
      // What the new session has taken back names it by now. The rest was assigned when the worker had gone already.
      ...heldRuns(session, view).map((run) => giveUp(run, sameProcess, at)),
      { type: "forgetWorker", params: { session } },
    ];
  },
};

function drained({ id, state }: SessionRow, { drainReason: message }: WorkerRow, at: Instant): Command[] {
  if (message === "" || state === "draining") return [];
  return [advanceWorker(id, { type: "drain", at, message })];
}
