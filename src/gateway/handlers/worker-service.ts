import type { z } from "zod";
import type { WorkerId } from "#domain/id";
import { workerToWire } from "#wire/convert-worker";
import { type ListWorkersResponse, type Worker, WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import { findWorker } from "../lookup.js";
import { type Call, unary } from "../rpc.js";
import * as schemas from "../schemas.js";

/** What clients and operators do with the fleet. */
export const workerService = [
  unary(WorkerService.method.listWorkers, schemas.listWorkers, listWorkers),
  unary(WorkerService.method.getWorker, schemas.getWorker, getWorker),
  unary(WorkerService.method.drainWorker, schemas.drainWorker, drainWorker),
];

async function listWorkers(
  { agentName, status }: z.output<typeof schemas.listWorkers>,
  { plane, caller }: Call,
): Promise<ListWorkersResponse> {
  const workers = plane
    .workers(caller)
    .filter((worker) => !status || worker.status === status)
    .filter(({ info }) => !agentName || info.agents.some(({ name }) => name === agentName))
    .toSorted((a, b) => (a.info.workerId < b.info.workerId ? -1 : 1))
    .map(workerToWire);
  return { $typeName: "taskrun.v1.ListWorkersResponse", workers };
}

async function getWorker(
  { workerId }: { readonly workerId: WorkerId },
  { plane, caller }: Call,
): Promise<Worker> {
  return workerToWire(findWorker(plane, caller, workerId));
}

async function drainWorker(
  { workerId, reason }: { readonly workerId: WorkerId; readonly reason: string },
  { plane, caller }: Call,
): Promise<Worker> {
  return workerToWire(await plane.drainWorker(caller, workerId, reason));
}
