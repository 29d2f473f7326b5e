import { workerNotFound } from "#domain/refusals";
import type { WorkerRow } from "#domain/worker/worker-row";
import type { Command } from "../commands.js";
import { advanceWorker, refuse } from "../make-command.js";
import type { RunTrackerHandler } from "./handler.js";
import { isConnected } from "./worker-rows.js";

/** An operator wants a worker to be given no more Runs. */
export const drainWorker: RunTrackerHandler<"drain.worker"> = {
  needs: ({ caller, owner = caller.principal, workerId }, view) => ({
    workers: view.workerKeys(owner, workerId),
  }),

  decide({ caller, owner = caller.principal, workerId, message }, view, { at }) {
    const row = view.workerRow(owner, workerId);
    if (row && !view.session(row.session.id)) return drainElsewhere(row, message);
    const session = view.sessionOf(owner, workerId);
    if (!session || session.state === "detached") return [refuse(workerNotFound(workerId))];
    return [
      advanceWorker(session.id, { type: "drain", at, message }),
      { type: "reply", params: { answer: { type: "worker", session: session.id } } },
    ];
  },
};

/** Another node has the worker's stream: it finds the wish in the worker's row. */
function drainElsewhere({ key, session }: WorkerRow, reason: string): Command[] {
  if (!isConnected(session)) return [refuse(workerNotFound(session.info.workerId))];
  return [
    { type: "wishDrain", params: { key, reason } },
    { type: "reply", params: { answer: { type: "worker", session: session.id } } },
  ];
}
