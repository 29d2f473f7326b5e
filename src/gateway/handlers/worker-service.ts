import { toBinary } from "@bufbuild/protobuf";
import { UnknownWord } from "#api/validate";
import { drainWorker } from "#api/workers/drain-worker";
import { getWorker } from "#api/workers/get-worker";
import { listWorkers } from "#api/workers/list-workers";
import type { WorkerView } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { workerStatusFromWire } from "#wire/convert-enums";
import { workerToWire } from "#wire/convert-worker";
import {
  type ListWorkersRequest,
  type ListWorkersResponse,
  type Worker,
  WorkerSchema,
  WorkerService,
} from "#wire/gen/taskrun/v1/worker_service_pb";
import { answerTooLarge } from "../outcome.js";
import { asIs, unary } from "../rpc.js";

/** What clients and operators do with the fleet. */
export const workerService = [
  unary(WorkerService.method.listWorkers, listWorkers, listInput, list),
  unary(WorkerService.method.getWorker, getWorker, asIs, workerToWire),
  unary(WorkerService.method.drainWorker, drainWorker, asIs, workerToWire),
];

function listInput({ agentName, status: number = 0 }: ListWorkersRequest) {
  const status =
    workerStatusFromWire(number) ??
    new UnknownWord(`is ${number}, which is no WorkerStatus: leave it out for any.`);
  return { agentName, status: number === 0 ? undefined : status };
}

function list(views: readonly WorkerView[]): ListWorkersResponse {
  return { $typeName: "taskrun.v1.ListWorkersResponse", workers: inOneMessage(views) };
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
