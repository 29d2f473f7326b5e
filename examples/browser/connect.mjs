/** Tasks by connect-web, with the messages and services of `taskrun/proto`. */
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { TaskService, TaskStatus } from "taskrun/proto";

const clientOf = (server) => createClient(TaskService, createConnectTransport({ baseUrl: server }));

export async function createTask(server, request) {
  return (await clientOf(server).createTask(request)).id;
}

export async function cancelTask(server, id) {
  await clientOf(server).cancelTask({ id });
}

/** Yields output and status until the Task has ended. */
export async function* watchTask(server, id) {
  for await (const { event } of clientOf(server).watchTask({ id })) {
    if (event.case === "output") yield { output: event.value.content };
    if (event.case === "taskChanged") yield { status: `TASK_STATUS_${TaskStatus[event.value.status]}` };
  }
}
