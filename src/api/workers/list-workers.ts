import { z } from "zod";
import { type Caller, mayUse } from "#domain/caller";
import { type WorkerView, workerStatuses } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { oneOf, optionalName } from "../validate.js";
import { seenBy } from "./seen-worker.js";

const input = z.object({
  agentName: optionalName.optional(),
  status: oneOf(workerStatuses).optional(),
  namespace: optionalName,
});
type Filter = z.output<typeof input>;

/** ListWorkers: the connected Workers that the caller may see, by id. */
export const listWorkers = useCase({
  action: "worker.list",
  input,
  answerBytes: limits.messageBytes,
  find: () => ({ resource: { kind: "workers" as const } }),
  perform: async (filter, { caller, services }): Promise<readonly WorkerView[]> => {
    const workers = await services.plane.workers(caller);
    return workers
      .filter((worker) => fits(worker, filter, caller))
      .map((worker) => seenBy(caller, worker))
      .toSorted((a, b) => (a.info.workerId < b.info.workerId ? -1 : 1));
  },
});

function fits({ info, status }: WorkerView, filter: Filter, caller: Caller): boolean {
  const { agentName = "", namespace } = filter;
  return (
    (!filter.status || status === filter.status) &&
    (agentName === "" || info.agents.some(({ name }) => name === agentName)) &&
    (namespace === "" || (mayUse(caller, namespace) && takes(info.namespaces, namespace)))
  );
}

/** A Worker that names no namespaces takes Tasks of all that its principal may use. */
function takes(namespaces: readonly string[], namespace: string): boolean {
  return namespaces.length === 0 || namespaces.includes(namespace);
}
