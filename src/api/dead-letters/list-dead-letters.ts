import { z } from "zod";
import { deadLetterReasonNames, deadLetterStatuses } from "#domain/task/dead-letter";
import { limits } from "#limits/index";
import { inOnePage } from "../answer-size.js";
import { pageToken } from "../fields.js";
import { fromDeadLetterToken, toDeadLetterToken } from "../page-token.js";
import { readsOf, useCase } from "../use-case.js";
import { oneOf, optionalName } from "../validate.js";
import { type DeadLetterView, letterBytes, viewOf } from "./dead-letter-view.js";
import { ofNamespace } from "./fields.js";

/** Dead letters; `nextPageToken` is empty on the last page. */
export interface DeadLetterPageView {
  readonly letters: readonly DeadLetterView[];
  readonly nextPageToken: string;
}

const input = z.object({
  status: oneOf(deadLetterStatuses).optional(),
  /** Instead of one status any of these: other systems have one word for several. */
  statuses: z.array(oneOf(deadLetterStatuses)).readonly().optional(),
  reason: oneOf(deadLetterReasonNames).optional(),
  namespace: optionalName,
  pageSize: z
    .number()
    .transform((size) => (size <= 0 ? limits.deadLettersShown : Math.min(size, limits.deadLettersPage))),
  pageToken: pageToken(fromDeadLetterToken),
});

/** ListDeadLetters: dead letters by page, the newest first. */
export const listDeadLetters = useCase({
  action: "dead_letter.list",
  input,
  answerBytes: limits.pageBytes,
  find: ofNamespace,
  perform: async (asked, request, { resource: { namespaces } }): Promise<DeadLetterPageView> => {
    const { status, statuses = status && [status], reason, pageSize, pageToken: after } = asked;
    const filter = { namespaces, ...(statuses && { statuses }), ...(reason && { reason }) };
    const { letters: rows, next } = await readsOf(request).deadLetters(filter, after, pageSize);
    const letters = inOnePage(rows, letterBytes);
    const last = letters.length < rows.length ? letters.at(-1) : next;
    const now = request.services.plane.now();
    return {
      letters: letters.map((letter) => viewOf(letter, now)),
      nextPageToken: last === undefined ? "" : toDeadLetterToken(last),
    };
  },
  hidden: (): DeadLetterPageView => ({ letters: [], nextPageToken: "" }),
});
