import { z } from "zod";
import { workerNotFound } from "#domain/refusals";
import type { WorkerView } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { workerId } from "../fields.js";
import { useCase } from "../use-case.js";
import { seenBy } from "./seen-worker.js";

/** GetWorker: one connected Worker that the caller may see. */
export const getWorker = useCase({
  action: "worker.read",
  input: z.object({ workerId }),
  // The description of one Worker can be as large as its hello.
  answerBytes: limits.messageBytes,
  find: ({ workerId: id }) => ({ resource: { kind: "workers" as const, id } }),
  perform: async ({ workerId }, { caller, services }): Promise<WorkerView> => {
    const workers = await services.plane.workers(caller);
    const worker = workers.find(({ info }) => info.workerId === workerId);
    if (!worker) throw workerNotFound(workerId);
    return seenBy(caller, worker);
  },
});
