import { z } from "zod";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { failuresOf } from "../tasks/failures.js";
import { readsOf, useCase } from "../use-case.js";
import { type DeadLetterView, viewOf } from "./dead-letter-view.js";
import { findDeadLetter } from "./find-dead-letter.js";

/** GetDeadLetter: the dead letter of a Task, with the chain of causes as far as the Tasks are still kept. */
export const getDeadLetter = useCase({
  action: "dead_letter.read",
  input: z.object({ taskId }),
  answerBytes: limits.pageBytes,
  find: findDeadLetter,
  perform: async ({ taskId: id }, request, { letter }): Promise<DeadLetterView> => {
    const reads = readsOf(request);
    const detail = await reads.task(id);
    const causes = detail ? await failuresOf(detail, reads) : [];
    return { ...viewOf(letter, request.services.plane.now()), causes };
  },
});
