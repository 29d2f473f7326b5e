import { z } from "zod";
import type { WorkerView } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { reason, workerId } from "../fields.js";
import { useCase } from "../use-case.js";
import { seenBy } from "./seen-worker.js";

/** DrainWorker: assigns no more Runs to a Worker; it disconnects when it has finished those it holds. */
export const drainWorker = useCase({
  action: "worker.drain",
  input: z.object({ workerId, reason }),
  answerBytes: limits.messageBytes,
  find: ({ workerId: id }) => ({ resource: { kind: "workers" as const, id } }),
  perform: async ({ workerId, reason }, { caller, services }): Promise<WorkerView> =>
    seenBy(caller, await services.plane.drainWorker(caller, workerId, reason)),
});
