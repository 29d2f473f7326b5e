import { z } from "zod";
import { limits } from "#limits/index";
import { inOnePage } from "../answer-size.js";
import { readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { type DeadLetterView, letterBytes, viewOf } from "./dead-letter-view.js";
import { ofNamespace } from "./fields.js";

const { deadLettersShown } = limits;

/** ListInvestigationQueue: the dead letters that are pending, the most urgent first. */
export const listInvestigationQueue = useCase({
  action: "dead_letter.queue",
  input: z.object({
    namespace: optionalName,
    limit: z.number().transform((most) => (most <= 0 ? deadLettersShown : Math.min(most, deadLettersShown))),
  }),
  answerBytes: limits.pageBytes,
  find: ofNamespace,
  perform: async ({ limit }, request, { resource: { namespaces } }): Promise<readonly DeadLetterView[]> => {
    const rows = await readsOf(request).deadLetterQueue(namespaces, limit);
    const now = request.services.plane.now();
    return inOnePage(rows, letterBytes).map((letter) => viewOf(letter, now));
  },
  hidden: (): readonly DeadLetterView[] => [],
});
