import type { SessionRow } from "#domain/worker/worker";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";
import type { MessageView } from "../view.js";

/** The rows of workers, of which there are none in a store of one process. */

/** The key of the row that follows a session; none if the session is gone. */
export function rowKeysOf(session: SessionRow | undefined, view: MessageView): readonly WorkerKey[] {
  return session ? view.workerKeys(session.principal, session.info.workerId) : [];
}

export function rowOf({ principal, info }: SessionRow, view: MessageView): WorkerRow | undefined {
  return view.workerRow(principal, info.workerId);
}

/** True if the worker has a stream, as far as the row knows. */
export function isConnected({ state }: SessionRow): boolean {
  return state !== "detached" && state !== "gone";
}
