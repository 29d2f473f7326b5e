import { z } from "zod";
import { limits } from "#limits/index";
import { templateRef } from "../fields.js";
import { duration, jsonText, labels, moment, optionalName, within } from "../validate.js";
import { budgetInput } from "./budget-input.js";

/** The input of a client for a new Task. */
export const newTaskInput = z
  .object({
    agentName: optionalName,
    inputJson: jsonText("{}"),
    createdBy: optionalName,
    labels,
    idempotencyKey: optionalName,
    priority: within(-limits.priority, limits.priority, "higher goes first, 0 is usual"),
    timeoutMs: duration,
    maxAttempts: within(0, limits.maxAttempts, "total tries, where 0 means the default"),
    maxLosses: within(0, limits.maxLosses, "runs of each step that may be lost with their worker").optional(),
    namespace: optionalName,
    template: templateRef.optional(),
    workerSelector: labels,
    correlationId: optionalName,
    startAtMs: moment,
    budget: budgetInput.optional(),
  })
  .superRefine(({ agentName, template }, context) => {
    if ((agentName === "") !== (template === undefined)) return;
    const message =
      agentName === ""
        ? "or template is required: name the agent that is to do the work, or the template to make the Task from."
        : "and template are both set: name the agent or the template, not both.";
    context.addIssue({ code: "custom", path: ["agentName"], message });
  });

/** The validated input, with defaults. */
export type NewTask = z.output<typeof newTaskInput>;
