/**
 * A worker that knows orchestrator.v1 alone. It connects again whenever its stream ends, and ends each Task after `ms` of its
 * payload, or never if that says so.
 *
 *   node slot-worker.mjs HOST:PORT ID SLOTS
 */
import { setTimeout as pause } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  Scheduler,
  TaskStatus,
  WorkerResponseSchema,
} from "../../../dist/src/wire/gen/orchestrator/v1/orchestrator_pb.js";

const [, , addr, workerId, slots] = process.argv;
const client = createClient(Scheduler, createGrpcTransport({ baseUrl: `http://${addr}` }));
const inHand = new Set();
let waiting = [];
let wake = () => {};

function say(kind, value) {
  waiting.push(create(WorkerResponseSchema, { message: { case: kind, value } }));
  wake();
}

async function* words() {
  while (true) {
    const next = waiting.shift();
    if (next) yield next;
    else await new Promise((resolve) => (wake = resolve));
  }
}

async function work({ taskId, spec }) {
  inHand.add(taskId);
  console.log(JSON.stringify({ begin: taskId }));
  const { ms = 0, never = false } = JSON.parse(new TextDecoder().decode(spec.payload));
  say("progress", { taskId, status: TaskStatus.RUNNING, progressPercent: 50, message: `half of ${ms} ms` });
  if (never) return;
  await pause(ms);
  inHand.delete(taskId);
  const output = new TextEncoder().encode(JSON.stringify({ worker: workerId }));
  say("result", { taskId, status: TaskStatus.COMPLETED, output });
}

const beat = () =>
  say("heartbeat", { workerId, workerAddress: "127.0.0.1:1", availableSlots: Number(slots) - inHand.size });
setInterval(beat, 300);

while (true) {
  waiting = [];
  beat();
  try {
    for await (const assignment of client.registerWorker(words())) void work(assignment);
  } catch {
    // The server is gone: another attempt follows.
  }
  await pause(200);
}
