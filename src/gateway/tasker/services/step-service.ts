import { create } from "@bufbuild/protobuf";
import { getTask } from "#api/tasks/get-task";
import { resolveStep } from "#api/tasks/resolve-step";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { stepNotFound } from "#domain/refusals";
import type { StepSummary } from "#domain/task/step";
import type { TaskView } from "#domain/task/view";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import {
  GetStepAuditResponseSchema,
  GetStepResponseSchema,
  ListStepsResponseSchema,
  type ResolveStepRequest,
  ResolveStepResponseSchema,
  StepManualActionType,
  StepService,
} from "#wire/gen/tasker/v1/steps_pb";
import type { Step } from "#wire/gen/tasker/v1/tasks_pb";
import { type Call, composed } from "../../rpc.js";
import { namedAsSent } from "../shapes/field-names.js";
import { resolvedBy } from "../shapes/resolved-by.js";
import { type AuditEntry, resultIfAny, stepAudit } from "../shapes/step-history.js";
import { stepShapes } from "../shapes/step-shape.js";
import { stepMeant } from "../shapes/step-uuid.js";
import { stepStateToWire } from "./enums.js";
import { refuseContent, uuidIn, wordIn } from "./fields.js";
import { stepToWire } from "./messages.js";
import { StructRoom } from "./struct-room.js";
import { given, textOfStruct, timestampOf } from "./structs.js";
import { taskOf } from "./task-parts.js";

const { method } = StepService;
/** A Task, and the result of one of its Steps beside it. */
const ANSWER_BYTES = 2 * limits.messageBytes;

/** The StepService of Tasker. */
export const stepService = [
  composed(method.getStep, ANSWER_BYTES, async (request, call) => {
    const { view, step } = await stepOf(request, call);
    return create(GetStepResponseSchema, { step: await wholeStep(view, step, call) });
  }),
  composed(method.listSteps, limits.messageBytes, async (request, call) => {
    const view = await taskOf(request, call);
    const room = new StructRoom();
    const steps = stepShapes(view, call.services.plane.now()).map((step) => stepToWire(step, room));
    const all = { total: BigInt(steps.length), count: steps.length, offset: 0, hasMore: false };
    return create(ListStepsResponseSchema, { steps, pagination: all });
  }),
  composed(method.resolveStep, ANSWER_BYTES, resolve),
  composed(method.getStepAudit, ANSWER_BYTES, async (request, call) => {
    const { view, step } = await stepOf(request, call);
    const history = await stepAudit(view, step, call);
    const room = new StructRoom();
    const auditRecords = history.map((each) => auditToWire(each, room));
    return create(GetStepAuditResponseSchema, { auditRecords });
  }),
];

interface NamedStep {
  readonly taskUuid: string;
  readonly stepUuid: string;
}

/** The Step of a request, and its Task. @throws {Fault} `invalid` if an id is no UUID, `not_found` */
async function stepOf(
  { taskUuid, stepUuid }: NamedStep,
  call: Call,
): Promise<{ readonly view: TaskView; readonly step: StepSummary }> {
  const taskId = uuidIn("task_uuid", taskUuid);
  const wanted = uuidIn("step_uuid", stepUuid);
  const view = await run(getTask, { id: taskId }, call);
  const { task, steps = [] } = view;
  const step = stepMeant(task.id, steps, wanted);
  if (step) return { view, step };
  throw stepNotFound(
    task.id,
    wanted,
    steps.map(({ name }) => name),
  );
}

/** The Step with its result, however large that is. @throws {Fault} `overloaded`, not to be sent again, if a Struct has no room for it */
async function wholeStep(view: TaskView, { name, outputBytes }: StepSummary, call: Call): Promise<Step> {
  const room = new StructRoom();
  const step = shapeOf(view, name, call);
  const results = step.results || (await resultIfAny(view, { name, outputBytes }, call));
  const wire = stepToWire({ ...step, results }, room);
  if (results === "" || wire.results) return wire;
  const message = `the result of Step "${name}" does not fit into an answer as a Struct: read it by taskrun.v1.TaskService/GetStepResult.`;
  throw new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}

function shapeOf(view: TaskView, name: string, call: Call) {
  const shape = stepShapes(view, call.services.plane.now()).find((each) => each.name === name);
  if (!shape) throw stepNotFound(view.task.id, name, []);
  return shape;
}

/** What each action decides. */
const actions = {
  retry: StepManualActionType.RESET_FOR_RETRY,
  resolve: StepManualActionType.RESOLVE_MANUALLY,
  complete: StepManualActionType.COMPLETE_MANUALLY,
} as const;

async function resolve(request: ResolveStepRequest, call: Call) {
  const { actionType, performedBy, reason, result, metadata } = request;
  const action = wordIn("action_type", actions, actionType);
  refuseContent("metadata", metadata, "leave it out, or put it into reason.");
  const { view: before, step } = await stepOf(request, call);
  const decision = {
    ...{ taskId: before.task.id, stepName: step.name, action },
    resultJson: result === undefined ? "" : textOfStruct("result", result),
    reason: resolvedBy(performedBy, reason),
    journalEntry: 0,
  };
  const { steps, ...after } = await namedAsSent(run(resolveStep, decision, call), { result_json: "result" });
  // What was decided must not appear as refused because there is no room for all of it, or because its Task has been removed since.
  const view = steps ? { ...after, steps } : before;
  return create(ResolveStepResponseSchema, {
    step: stepToWire(shapeOf(view, step.name, call), new StructRoom()),
  });
}

function auditToWire({ entry, result }: AuditEntry, room: StructRoom) {
  const { recordedAt, workerUuid, correlationId, executionTimeMs, fromState, toState, ...same } = entry;
  const { auditUuid, stepUuid, transitionUuid, taskUuid, success, stepName } = same;
  return {
    ...{ auditUuid, stepUuid, transitionUuid, taskUuid, success, stepName },
    recordedAt: timestampOf(recordedAt),
    workerUuid: given(workerUuid),
    correlationId: given(correlationId),
    executionTimeMs: executionTimeMs === undefined ? undefined : BigInt(executionTimeMs),
    result: room.struct(result),
    fromState: fromState && stepStateToWire[fromState],
    toState: stepStateToWire[toState],
  };
}
