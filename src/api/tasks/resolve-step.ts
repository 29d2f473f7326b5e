import { z } from "zod";
import { type ResolveAction, resolveActions } from "#domain/task/step";
import { limits } from "#limits/index";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { jsonText, oneOf, optionalName, within } from "../validate.js";
import { changedTask } from "./changed-task.js";

const input = z
  .object({
    taskId,
    stepName: optionalName,
    action: oneOf(resolveActions),
    resultJson: jsonText(""),
    reason,
    journalEntry: within(
      0,
      limits.journalEntries,
      "an entry of the Step's journal, where 0 means the Step itself",
    ),
  })
  .superRefine(({ stepName, action, resultJson, journalEntry }, context) => {
    if (stepName === "" && action !== "resolve") {
      const message = "is required: name the Step; only RESOLVE_MANUALLY may mean the whole Task.";
      context.addIssue({ code: "custom", path: ["stepName"], message });
    }
    if (stepName === "" && journalEntry > 0) {
      const message = "is of one Step: name that in step_name, too.";
      context.addIssue({ code: "custom", path: ["journalEntry"], message });
    }
    if (resultJson !== "" && action !== "complete") {
      const message = "is taken with COMPLETE_MANUALLY only: send that action, or no result.";
      context.addIssue({ code: "custom", path: ["resultJson"], message });
    }
  });

/** ResolveStep: an operator decides how a Step that has failed for good, or that hangs, continues. */
export const resolveStep = useCase({
  action: "task.resolve",
  input,
  find: ({ taskId: id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ taskId, stepName, action, resultJson, reason, journalEntry }, request) => {
    const { caller, services } = request;
    const decision: ResolveAction =
      action === "complete" ? { type: action, output: resultJson } : { type: action };
    const about = journalEntry > 0 ? { ...decision, entry: journalEntry } : decision;
    return changedTask(await services.plane.resolve(caller, taskId, stepName, about, reason), request);
  },
});
