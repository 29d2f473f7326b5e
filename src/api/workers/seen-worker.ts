import { type Caller, mayUse } from "#domain/caller";
import type { WorkerView } from "#domain/worker/worker";

/**
 * The Worker without the names of namespaces that the caller may not use. One that takes Tasks only of such is the caller's own, and
 * shown whole.
 */
export function seenBy(caller: Caller, worker: WorkerView): WorkerView {
  const { info } = worker;
  const namespaces = info.namespaces.filter((namespace) => mayUse(caller, namespace));
  const isWhole = namespaces.length === 0 || namespaces.length === info.namespaces.length;
  return isWhole ? worker : { ...worker, info: { ...info, namespaces } };
}
