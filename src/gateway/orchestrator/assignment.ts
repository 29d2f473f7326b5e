import type { Assignment } from "#domain/worker/frame";
import { bytesOfJson } from "#wire/convert-payload";
import type { TaskAssignment } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { DESCRIPTION_LABEL, PAYLOAD_MEMBER } from "./task-spec.js";

/** The largest number of seconds that a TaskSpec can say. */
const SECONDS_MAX = 2 ** 31 - 1;

/** What the worker is given: the payload as it was submitted, and how long the Task has left. The plane tries again, not the worker. */
export function assignmentOf(frame: Assignment): TaskAssignment {
  const { taskId, agentName, labels, input, issuedAt, deadlineAt } = frame;
  const left = Math.max(Math.ceil((deadlineAt - issuedAt) / 1_000), 1);
  return {
    $typeName: "orchestrator.v1.TaskAssignment",
    taskId,
    spec: {
      $typeName: "orchestrator.v1.TaskSpec",
      name: agentName,
      description: labels[DESCRIPTION_LABEL] ?? "",
      payload: bytesOfJson(input, PAYLOAD_MEMBER) as Uint8Array<ArrayBuffer>,
      timeoutSecs: deadlineAt === 0 ? 0 : Math.min(left, SECONDS_MAX),
      maxRetries: 0,
    },
  };
}
