/** The Gateway and the Worker of orchestrator.v1: clients create Tasks and follow them. */
import { createTask, createTaskToWatch } from "#api/tasks/create-task";
import { watchTask } from "#api/tasks/watch-task";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { endsLog } from "#domain/task/log";
import type { TaskRow } from "#domain/task/task";
import {
  Gateway,
  type HealthCheckResponse,
  type ProgressRequest,
  type TaskAccepted,
  type TaskProgress,
  type TaskSpec,
  Worker,
} from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { type Call, composed, probe, type StreamCall, serverStreaming } from "../rpc.js";
import { ProgressReader } from "./progress.js";
import { newTaskOf, specNames } from "./task-spec.js";
import { inWordsOf } from "./words.js";

export const orchestratorGateway = [
  composed(Gateway.method.submitTask, 0, async (spec, call) =>
    accepted(await submit(createTask, spec, call)),
  ),
  serverStreaming(Gateway.method.subscribeProgress, subscribe),
  probe(Gateway.method.healthCheck, healthCheck),
];

export const orchestratorWorker = [
  serverStreaming(Worker.method.executeTask, execute),
  probe(Worker.method.healthCheck, healthCheck),
];

/** Whether this server takes Tasks and workers. */
export function healthCheck(_: unknown, { health, services: { facts } }: Call): HealthCheckResponse {
  return {
    $typeName: "orchestrator.v1.HealthCheckResponse",
    healthy: health.serving,
    version: facts.version,
  };
}

async function submit(useCase: typeof createTask, spec: TaskSpec, call: Call): Promise<TaskRow> {
  const asked = newTaskOf(spec);
  const { task } = await inWordsOf(specNames, () => run(useCase, asked, call));
  call.services.submitted.note(task.namespace, task.spec.agentName, call.services.plane.now());
  return task;
}

function accepted({ id, createdAt }: TaskRow): TaskAccepted {
  const timestamp = BigInt(Math.floor(createdAt / 1_000));
  return { $typeName: "orchestrator.v1.TaskAccepted", taskId: id, timestamp };
}

async function* subscribe({ taskId }: ProgressRequest, call: StreamCall): AsyncIterable<TaskProgress> {
  if (taskId === "") {
    throw new Fault("invalid", "task_id is empty: name the Task to follow.", { field: "task_id" });
  }
  yield* progressOf(taskId, call);
}

/** The Task goes on if its caller does not stay to its end. */
async function* execute(spec: TaskSpec, call: StreamCall): AsyncIterable<TaskProgress> {
  const { id } = await submit(createTaskToWatch, spec, call);
  yield* progressOf(id, call);
}

/** What has happened to the Task, then what happens, to its end. */
async function* progressOf(id: string, call: StreamCall): AsyncIterable<TaskProgress> {
  const { task, slices } = await run(watchTask, { id, afterSeq: 0n }, call);
  const reader = new ProgressReader(task);
  for await (const { entries } of slices(call.signal)) {
    for (const entry of entries) {
      const progress = reader.read(entry);
      if (progress) yield progress;
      if (endsLog(entry)) return;
    }
  }
}
