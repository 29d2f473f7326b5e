import { z } from "zod";
import { getTask } from "#api/tasks/get-task";
import { resolveStep } from "#api/tasks/resolve-step";
import { run } from "#api/use-case";
import { isJsonObject } from "#domain/json/json";
import { stepNotFound } from "#domain/refusals";
import type { ResolveAction, StepSummary } from "#domain/task/step";
import type { TaskView } from "#domain/task/view";
import { iso } from "#domain/time/iso";
import { limits } from "#limits/index";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import type { RestRequest } from "../../rest/operation.js";
import { invalid, Parameters } from "../../rest/parameters.js";
import type { Call } from "../../rpc.js";
import { namedAsSent } from "../shapes/field-names.js";
import { resolvedBy } from "../shapes/resolved-by.js";
import { type AuditEntry, resultIfAny, stepAudit } from "../shapes/step-history.js";
import { stepMeant } from "../shapes/step-uuid.js";
import {
  anObject,
  anything,
  jsonOf,
  membersOf,
  objectIn,
  refuseContent,
  type SentObject,
  text,
  wordIn,
} from "./body.js";
import * as documents from "./documents/steps.js";
import { jsonOrNull, type Parts, textOrNull } from "./json.js";
import { reserved, type TaskerRoute } from "./route.js";
import { stepsJson } from "./task-json.js";
import { taskOf } from "./tasks.js";

const { method } = TaskService;
const STEPS = "/v1/tasks/{id}/workflow_steps";

/** Reading Steps, and deciding about them. */
export const stepRoutes: readonly TaskerRoute[] = [
  {
    method: "GET",
    path: STEPS,
    as: method.getStepResult,
    documentation: documents.list,
    answer: async (request, call) => ({ body: stepsJson(await taskOf(request, call), call) }),
  },
  {
    method: "GET",
    path: `${STEPS}/{step}`,
    as: method.getStepResult,
    documentation: documents.get,
    answer: async (request, call) => {
      const within = await reserved(call, 2 * limits.messageBytes);
      const view = await taskOf(request, within);
      return { body: await stepJson(view, stepOf(view, request), within) };
    },
  },
  {
    method: "PATCH",
    path: `${STEPS}/{step}`,
    as: method.resolveStep,
    documentation: documents.resolve,
    answer: async (request, call) => {
      const decision = decisionIn(objectIn(request.body));
      new Parameters(request.query, []);
      const within = await reserved(call, 2 * limits.messageBytes);
      const before = await run(getTask, { id: request.params.id ?? "" }, within);
      const { name: stepName } = stepOf(before, request);
      const asked = run(
        resolveStep,
        { taskId: before.task.id, stepName, ...decision, journalEntry: 0 },
        within,
      );
      const after = await namedAsSent(asked, { result_json: "completion_data.result" });
      // What was decided must not appear as refused because there is no room for all of it, or because its Task has been removed since.
      const view = after.steps ? after : before;
      const step = stepOf(view, request);
      const body = await stepJson(view, step, within).catch(() => stepParts(view, stepName, within));
      return { body: { ...body, task_state: after.task.state } };
    },
  },
  {
    method: "GET",
    path: `${STEPS}/{step}/audit`,
    as: method.getStepAudit,
    documentation: documents.audit,
    answer: async (request, call) => {
      const within = await reserved(call, 2 * limits.messageBytes);
      const view = await taskOf(request, within);
      return { body: (await stepAudit(view, stepOf(view, request), within)).map(auditParts) };
    },
  },
];

/** The Step of a path, by its UUID or its name. @throws {Fault} `not_found` */
function stepOf({ task, steps = [] }: TaskView, { params }: RestRequest): StepSummary {
  const wanted = params.step ?? "";
  const step = stepMeant(task.id, steps, wanted);
  if (step) return step;
  throw stepNotFound(
    task.id,
    wanted,
    steps.map(({ name }) => name),
  );
}

/** One Step, with its result however large that is. */
async function stepJson(view: TaskView, step: StepSummary, call: Call): Promise<Parts> {
  const result = await resultIfAny(view, step, call);
  return { ...stepParts(view, step.name, call), results: jsonOrNull(result) };
}

/** One Step, with its result if the view has it. */
function stepParts(view: TaskView, name: string, call: Call): Parts {
  const at = (view.steps ?? []).findIndex((step) => step.name === name);
  return stepsJson(view, call)[at] as Parts;
}

const actions = ["reset_for_retry", "resolve_manually", "complete_manually"] as const;

/** The decision of each action, and the member that says who has taken it. */
const decisions = {
  reset_for_retry: ["retry", "reset_by"],
  resolve_manually: ["resolve", "resolved_by"],
  complete_manually: ["complete", "completed_by"],
} as const satisfies Record<(typeof actions)[number], readonly [ResolveAction["type"], string]>;

const anyAction = { action_type: text, reason: text };
const shapes = {
  reset_for_retry: z.object({ ...anyAction, reset_by: text }),
  resolve_manually: z.object({ ...anyAction, resolved_by: text }),
  complete_manually: z.object({ ...anyAction, completed_by: text, completion_data: anObject }),
} as const satisfies Record<(typeof actions)[number], z.ZodObject>;
const completion = z.object({ result: anything, metadata: anObject });

/** What ResolveStep is asked with. @throws {Fault} `invalid`, naming the member */
function decisionIn(sent: SentObject) {
  const named = sent.members.action_type;
  if (typeof named !== "string")
    throw invalid("action_type", `is required: send one of ${actions.join(", ")}.`);
  const word = wordIn(actions, "action_type", named);
  const shape: z.ZodObject = shapes[word];
  const given = membersOf(sent.members, shape);
  const [action, by] = decisions[word];
  const who = given[by];
  const said = typeof given.reason === "string" ? given.reason : "";
  const reason = resolvedBy(typeof who === "string" ? who : "", said);
  return { action, reason, resultJson: word === "complete_manually" ? completionIn(sent) : "" };
}

/** The result as JSON text. */
function completionIn(sent: SentObject): string {
  const data = sent.members.completion_data;
  if (!isJsonObject(data)) throw invalid("completion_data", "is required: send an object with the result.");
  const { metadata } = membersOf(data, completion, "completion_data");
  refuseContent("completion_data.metadata", metadata, "leave it out, or put it into the result.");
  return jsonOf(sent, "completion_data", "result");
}

function auditParts({ entry, result }: AuditEntry): Parts {
  return {
    audit_uuid: entry.auditUuid,
    step_uuid: entry.stepUuid,
    transition_uuid: entry.transitionUuid,
    task_uuid: entry.taskUuid,
    recorded_at: iso(entry.recordedAt),
    worker_uuid: textOrNull(entry.workerUuid),
    correlation_id: entry.correlationId,
    success: entry.success,
    execution_time_ms: entry.executionTimeMs ?? null,
    result: jsonOrNull(result),
    step_name: entry.stepName,
    from_state: entry.fromState ?? null,
    to_state: entry.toState,
    ...{ actor: entry.actor, reason: entry.reason },
  };
}
