import { z } from "zod";
import { type WorkerView, workerStatuses } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { oneOf, optionalName } from "../validate.js";

/** ListWorkers: the connected Workers that the caller may see, by id. */
export const listWorkers = useCase({
  action: "worker.list",
  input: z.object({ agentName: optionalName.optional(), status: oneOf(workerStatuses).optional() }),
  answerBytes: limits.messageBytes,
  find: () => ({ resource: { kind: "workers" as const } }),
  perform: async ({ agentName, status }, { caller, services }): Promise<readonly WorkerView[]> => {
    const workers = await services.plane.workers(caller);
    return workers
      .filter((worker) => !status || worker.status === status)
      .filter(({ info }) => !agentName || info.agents.some(({ name }) => name === agentName))
      .toSorted((a, b) => (a.info.workerId < b.info.workerId ? -1 : 1));
  },
});
