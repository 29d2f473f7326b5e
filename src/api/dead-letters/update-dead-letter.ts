import { z } from "zod";
import { deadLetterNotFound } from "#domain/refusals";
import { settableStatuses } from "#domain/task/dead-letter";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { freeText, oneOf } from "../validate.js";
import { type DeadLetterView, viewOf } from "./dead-letter-view.js";

const input = z
  .object({
    taskId,
    status: oneOf(settableStatuses).optional(),
    notes: freeText(limits.deadLetterNotesBytes).optional(),
  })
  .superRefine(({ status, notes }, context) => {
    if (status !== undefined || notes !== undefined) return;
    context.addIssue({
      code: "custom",
      path: ["status"],
      message: "is required if there are no notes: send either, or both.",
    });
  });

/** UpdateDeadLetter: writes down what became of a dead letter. */
export const updateDeadLetter = useCase({
  action: "dead_letter.update",
  input,
  find: ({ taskId: id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ taskId: id, status, notes }, request): Promise<DeadLetterView> => {
    const { caller, services } = request;
    await services.plane.updateDeadLetter(caller, id, { status, notes });
    const letter = await readsOf(request).deadLetter(id);
    if (!letter) throw deadLetterNotFound(id);
    return viewOf(letter, services.plane.now());
  },
});
