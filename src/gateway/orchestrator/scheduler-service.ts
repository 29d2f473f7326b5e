/** The Scheduler of orchestrator.v1: its workers take Runs, as those of the public protocol do. */
import {
  Scheduler,
  type TaskAssignment,
  type WorkerResponse,
} from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { bidiStreaming, probe, type StreamCall } from "../rpc.js";
import { workerStream } from "../worker-stream.js";
import { healthCheck } from "./gateway-service.js";
import { SlotWorker } from "./slot-worker.js";

export const orchestratorScheduler = [
  bidiStreaming(Scheduler.method.registerWorker, registerWorker),
  probe(Scheduler.method.healthCheck, healthCheck),
];

function registerWorker(
  messages: AsyncIterable<WorkerResponse>,
  call: StreamCall,
): AsyncIterable<TaskAssignment> {
  return workerStream(messages, call, new SlotWorker(call));
}
