import { z } from "zod";
import type { RunId, TaskId, WorkerId } from "#domain/id";
import { limits } from "#domain/limits";
import { isVersion } from "#domain/version";
import { resolveActionFromWire, taskStatusFromWire, workerStatusFromWire } from "#wire/convert-enums";
import { fromPageToken } from "./page-token.js";
import {
  duration,
  freeText,
  jsonText,
  labels,
  moment,
  optionalName,
  requiredName,
  seq,
  within,
} from "./validate.js";

/** What each rpc takes, with defaults filled in. Fields are the protocol's; those not named are ignored. */
export const templateRef = z.object({
  namespace: optionalName,
  name: requiredName("the name of a template, as TemplateService.List shows it"),
  version: optionalName.refine((version) => version === "" || isVersion(version), {
    error: "is no version: send one as 1.2.3, or nothing for the newest.",
  }),
});

const taskId = requiredName("the id of a Task, as CreateTask answered it").transform((id) => id as TaskId);
const workerId = requiredName("the id of a Worker, as ListWorkers shows it").transform(
  (id) => id as WorkerId,
);
const stepName = requiredName('the name of a Step, which is "main" in a Task that names one agent');
const reason = freeText(limits.errorMessageBytes);

export const createTask = z
  .object({
    agentName: optionalName,
    inputJson: jsonText("{}"),
    createdBy: optionalName,
    labels,
    idempotencyKey: optionalName,
    priority: within(-limits.priority, limits.priority, "higher goes first, 0 is usual"),
    timeoutMs: duration,
    maxAttempts: within(0, limits.maxAttempts, "total tries, where 0 means the default"),
    namespace: optionalName,
    template: templateRef.optional(),
    workerSelector: labels,
    correlationId: optionalName,
    startAtMs: moment,
  })
  .superRefine(({ agentName, template }, context) => {
    if ((agentName === "") !== (template === undefined)) return;
    const message =
      agentName === ""
        ? "or template is required: name the agent that is to do the work, or the template to make the Task from."
        : "and template are both set: name the agent or the template, not both.";
    context.addIssue({ code: "custom", path: ["agentName"], message });
  });
export type CheckedTask = z.output<typeof createTask>;

/** Its elements are checked one by one: a request that is refused does not hinder the others. */
export const batchCreateTasks = z.object({
  tasks: z.array(z.unknown()).superRefine(({ length }, context) => {
    if (length >= 1 && length <= limits.batchTasks) return;
    const message = `has ${length} entries; send 1 to ${limits.batchTasks} in one batch.`;
    context.addIssue({ code: "custom", message });
  }),
});

export const getTask = z.object({ id: taskId });
export const cancelTask = z.object({ id: taskId, reason });
export const retryTask = z.object({ id: taskId, idempotencyKey: optionalName });
export const watchTask = z.object({ id: taskId, afterSeq: seq });
export const getStepResult = z.object({ taskId, stepName });

export const signalTask = z.object({
  id: taskId,
  signal: requiredName("what the Task's template calls the signal"),
  payloadJson: jsonText("null"),
});

export const resolveStep = z
  .object({
    taskId,
    stepName: optionalName,
    action: z.number().transform((number, context) => {
      const action = resolveActionFromWire(number);
      if (action !== undefined) return action;
      const message = `is ${number}; send RESET_FOR_RETRY, RESOLVE_MANUALLY or COMPLETE_MANUALLY.`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }),
    resultJson: jsonText(""),
  })
  .superRefine(({ stepName, action, resultJson }, context) => {
    if (stepName === "" && action !== "resolve") {
      const message = "is required: name the Step; only RESOLVE_MANUALLY may mean the whole Task.";
      context.addIssue({ code: "custom", path: ["stepName"], message });
    }
    if (resultJson !== "" && action !== "complete") {
      const message = "is taken with COMPLETE_MANUALLY only: send that action, or no result.";
      context.addIssue({ code: "custom", path: ["resultJson"], message });
    }
  });

/** Rows to a page: `pageSize` before `limit`, the default for 0 or less, and never more than the limit. */
function pageSize({ limit, pageSize }: { readonly limit: number; readonly pageSize: number }): number {
  const wanted = pageSize || limit;
  return wanted > 0 ? Math.min(wanted, limits.pageSizeMax) : limits.pageSizeDefault;
}

export const listTasks = z
  .object({
    statusFilter: z.number().transform((number, context) => {
      const status = taskStatusFromWire(number);
      if (number !== 0 && status === undefined) {
        context.addIssue({
          code: "custom",
          message: `is ${number}, which is no TaskStatus: send 0 for any.`,
        });
      }
      return status;
    }),
    agentFilter: optionalName,
    limit: z.number(),
    pageSize: z.number(),
    pageToken: z.string().transform((token, context) => {
      const before = fromPageToken(token);
      if (token !== "" && before === undefined) {
        const message = "is not understood: send the next_page_token of the page before, or nothing.";
        context.addIssue({ code: "custom", message });
      }
      return before;
    }),
    namespace: optionalName,
    labels,
  })
  .transform((request) => ({ ...request, pageSize: pageSize(request) }));

export const listWorkers = z.object({
  agentName: optionalName.optional(),
  status: z
    .number()
    .optional()
    .transform((number, context) => {
      const status = workerStatusFromWire(number ?? 0);
      if (number && status === undefined) {
        context.addIssue({
          code: "custom",
          message: `is ${number}, which is no WorkerStatus: leave it out for any.`,
        });
      }
      return status;
    }),
});
export const getWorker = z.object({ workerId });
export const drainWorker = z.object({ workerId, reason });

export const getRunInput = z.object({
  runId: requiredName("the run_id of your assignment").transform((id) => id as RunId),
  fence: z.number(),
});
export const getRunStepResult = getRunInput.extend({ stepName });
