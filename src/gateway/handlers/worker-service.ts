import { toBinary } from "@bufbuild/protobuf";
import { type AgentPage, listAgents } from "#api/agents/list-agents";
import { UnknownWord } from "#api/validate";
import { drainWorker } from "#api/workers/drain-worker";
import { getWorker } from "#api/workers/get-worker";
import { listWorkers } from "#api/workers/list-workers";
import type { WorkerView } from "#domain/worker/worker";
import { limits } from "#limits/index";
import { workerStatusFromWire } from "#wire/convert-enums";
import { listedAgentToWire, workerToWire } from "#wire/convert-worker";
import {
  type ListAgentsResponse,
  type ListWorkersRequest,
  type ListWorkersResponse,
  type Worker,
  WorkerSchema,
  WorkerService,
} from "#wire/gen/taskrun/v1/worker_service_pb";
import { answerTooLarge } from "../outcome.js";
import { asIs, unary } from "../rpc.js";

/** The WorkerService: clients and operators list and drain Workers. */
export const workerService = [
  unary(WorkerService.method.listWorkers, listWorkers, listInput, list),
  unary(WorkerService.method.getWorker, getWorker, asIs, workerToWire),
  unary(WorkerService.method.drainWorker, drainWorker, asIs, workerToWire),
  unary(WorkerService.method.listAgents, listAgents, asIs, agentPage),
];

function agentPage({ agents, nextPageToken }: AgentPage): ListAgentsResponse {
  return {
    $typeName: "taskrun.v1.ListAgentsResponse",
    agents: agents.map(listedAgentToWire),
    nextPageToken,
  };
}

function listInput({ agentName, status: number = 0, namespace }: ListWorkersRequest) {
  const status =
    workerStatusFromWire(number) ??
    new UnknownWord(`is ${number}, which is no WorkerStatus: leave it out for any.`);
  return { agentName, status: number === 0 ? undefined : status, namespace };
}

function list(views: readonly WorkerView[]): ListWorkersResponse {
  return { $typeName: "taskrun.v1.ListWorkersResponse", workers: inOneMessage(views) };
}

/**
 * All Workers: in full up to the size of a page, and shortened after that, because seeing every Worker matters more
 * to an operator than all details of the first ones.
 *
 * @throws {Fault} `overloaded` if they do not fit into a message even when shortened
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

/** The Worker without labels, and with only the names of its agents. */
function short(worker: Worker): Worker {
  const agents = worker.agents.map(({ $typeName, name }) => {
    return {
      $typeName,
      name,
      description: "",
      labels: {},
      backends: [],
      timeoutMs: 0n,
      concurrency: 0,
      inputSchemaJson: "",
    };
  });
  return { ...worker, labels: {}, agents };
}

/** Bytes that the Worker adds to the list, with its tag and length. */
function sizeOf(worker: Worker): number {
  return toBinary(WorkerSchema, worker).length + 6;
}
