import { toBinary } from "@bufbuild/protobuf";
import type { z } from "zod";
import type { WorkerId } from "#domain/id";
import { limits } from "#domain/limits";
import type { WorkerView } from "#domain/worker";
import { workerToWire } from "#wire/convert-worker";
import {
  type ListWorkersResponse,
  type Worker,
  WorkerSchema,
  WorkerService,
} from "#wire/gen/taskrun/v1/worker_service_pb";
import { findWorker } from "../lookup.js";
import { answerTooLarge } from "../outcome.js";
import { type AnswerChannel, type Call, reading, unary } from "../rpc.js";
import * as schemas from "../schemas.js";

/** One Worker may say as much of itself as fits into its hello. */
const WORKER_BYTES = limits.messageBytes;

/** What clients and operators do with the fleet. */
export const workerService = [
  reading(WorkerService.method.listWorkers, schemas.listWorkers, limits.messageBytes, listWorkers),
  reading(WorkerService.method.getWorker, schemas.getWorker, WORKER_BYTES, getWorker),
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
    .toSorted((a, b) => (a.info.workerId < b.info.workerId ? -1 : 1));
  return { $typeName: "taskrun.v1.ListWorkersResponse", workers: inOneMessage(workers) };
}

/**
 * All of them, whole as far as a page goes and short from there on: an operator would rather see every
 * Worker than every model of the first ones.
 *
 * @throws {Fault} `overloaded` if there are more than even so fit into a message
 */
function inOneMessage(views: readonly WorkerView[]): Worker[] {
  let bytes = 0;
  const workers = views.map((view) => {
    const whole = workerToWire(view);
    const worker = bytes + sizeOf(whole) <= limits.pageBytes ? whole : short(whole);
    bytes += sizeOf(worker);
    return worker;
  });
  if (bytes > limits.messageBytes) throw answerTooLarge(bytes);
  return workers;
}

/** Without labels, and with no more of its agents than their names. */
function short(worker: Worker): Worker {
  const agents = worker.agents.map((agent) => ({ ...agent, description: "", labels: {}, backends: [] }));
  return { ...worker, labels: {}, agents };
}

/** What it adds to the list, with its tag and length. */
function sizeOf(worker: Worker): number {
  return toBinary(WorkerSchema, worker).length + 6;
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
  channel: AnswerChannel,
): Promise<Worker> {
  await channel.reserve(WORKER_BYTES);
  return workerToWire(await plane.drainWorker(caller, workerId, reason));
}
