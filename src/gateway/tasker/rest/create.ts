import { z } from "zod";
import { createTask } from "#api/tasks/create-task";
import { runTask } from "#api/tasks/run-task";
import { run } from "#api/use-case";
import { DURATION_ADVICE, readDuration } from "#domain/time/duration";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { CreateTaskRequestSchema, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { idempotent } from "../../rest/idempotency.js";
import type { RestRequest } from "../../rest/operation.js";
import { invalid, Parameters } from "../../rest/parameters.js";
import { decode } from "../../traffic/decode.js";
import { namedAsSent, newTaskNames } from "../shapes/field-names.js";
import { newTaskFields } from "../shapes/new-task-input.js";
import {
  anObject,
  jsonOf,
  membersOf,
  objectIn,
  refuseContent,
  type SentObject,
  text,
  texts,
  wholeNumber,
} from "./body.js";
import { createDocumentation } from "./documents/tasks.js";
import type { TaskerRoute } from "./route.js";
import { taskJson } from "./task-json.js";

/** What clients of Tasker send. `template_name` is an older name of `name`. */
const taskerTask = z.object({
  name: text,
  template_name: text,
  namespace: text,
  version: text,
  context: anObject,
  initiator: text,
  source_system: text,
  reason: text,
  tags: texts,
  priority: wholeNumber,
  correlation_id: text,
  parent_correlation_id: text,
  idempotency_key: text,
  requested_at: text,
  options: anObject,
});

/** `POST /v1/tasks`: creates a Task, and waits for its end if it is told how long. */
export const createRoute: TaskerRoute = {
  method: "POST",
  path: "/v1/tasks",
  as: TaskService.method.createTask,
  waits: (query) => query.has("wait"),
  documentation: createDocumentation,
  answer: async (request, call) => {
    const waitMs = waitIn(new Parameters(request.query, ["wait"]));
    const { fields, names } = fieldsOf(request);
    const view =
      waitMs === undefined
        ? await namedAsSent(run(createTask, fields, call), names)
        : await namedAsSent(run(runTask, { task: fields, waitMs: BigInt(waitMs) }, call), names, "task");
    return { body: taskJson(view, call) };
  },
};

/** Undefined if nobody wants to wait. @throws {Fault} `invalid` */
function waitIn(query: Parameters): Millis | undefined {
  if (!query.has("wait")) return undefined;
  const given = query.text("wait");
  const wait = readDuration(/^\d+$/.test(given) ? `${given}s` : given);
  if (wait === undefined)
    throw invalid("wait", `is ${JSON.stringify(given.slice(0, 32))}: ${DURATION_ADVICE}.`);
  if (wait <= limits.waitMost) return wait === 0 ? undefined : wait;
  throw invalid(
    "wait",
    `is ${given}; the longest is ${limits.waitMost / 1_000}s: send the request again to wait for longer.`,
  );
}

/** The members by which a request is in our words. */
const ours = ["agent_name", "agentName", "template"] as const;

/** The request in whichever of the spellings it is, with the names that its fields have there. @throws {Fault} `invalid`, naming the field */
function fieldsOf(request: RestRequest) {
  const sent = objectIn(request.body);
  if (ours.some((name) => Object.hasOwn(sent.members, name))) {
    const message = decode(CreateTaskRequestSchema, request.body, "json");
    return { fields: idempotent(CreateTaskRequestSchema, message, request), names: {} };
  }
  return { fields: inTaskersWords(sent, request), names: newTaskNames };
}

function inTaskersWords(sent: SentObject, { header }: RestRequest) {
  const given = membersOf(sent.members, taskerTask);
  refuseContent("options", given.options, "leave it out, or put it into context.");
  const { priority } = given;
  if (priority && !Number.isInteger(priority))
    throw invalid("priority", `is ${priority}: send a whole number.`);
  return newTaskFields({
    name: nameIn(given),
    namespace: given.namespace ?? "",
    version: given.version ?? "",
    context: jsonOf(sent, "context"),
    initiator: given.initiator ?? "",
    sourceSystem: given.source_system ?? "",
    reason: given.reason ?? "",
    tags: [...new Set(given.tags)],
    priority: priority ?? 0,
    correlationId: given.correlation_id ?? "",
    parentCorrelationId: given.parent_correlation_id ?? "",
    requestedAt: given.requested_at ?? "",
    idempotencyKey: keyIn(given.idempotency_key ?? "", header("idempotency-key")),
  });
}

function nameIn({ name, template_name: older }: z.output<typeof taskerTask>): string {
  if (name && older && name !== older) {
    throw invalid("template_name", "is another one than name: send one of them.");
  }
  return name || older || "";
}

function keyIn(given: string, ofHeader: string | undefined): string {
  if (ofHeader === undefined || given === ofHeader) return given;
  if (given === "") return ofHeader;
  throw invalid("idempotency_key", "is another one than the header Idempotency-Key: send one of them.");
}
