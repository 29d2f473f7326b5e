import { z } from "zod";
import {
  type DeadLetterCount,
  type DeadLetterReason,
  type DeadLetterStatus,
  deadLetterReasonNames,
} from "#domain/task/dead-letter";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { readsOf, useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { ofNamespace } from "./fields.js";

/** Numbers about the dead letters of one reason. */
export interface ReasonStats {
  readonly reason: DeadLetterReason;
  readonly total: number;
  readonly byStatus: { readonly [Status in DeadLetterStatus]?: number };
  readonly oldestAt: Instant;
  readonly newestAt: Instant;
  /** Milliseconds; 0 if none is closed. */
  readonly meanResolution: number;
}

export interface DeadLetterStats {
  /** Of each reason of which there is one, in the order of the reasons. */
  readonly stats: readonly ReasonStats[];
  readonly isComplete: boolean;
}

/** GetDeadLetterStats: how many dead letters there are, by reason. */
export const getDeadLetterStats = useCase({
  action: "dead_letter.stats",
  input: z.object({ namespace: optionalName }),
  find: ofNamespace,
  perform: async (_, request, { resource: { namespaces } }): Promise<DeadLetterStats> => {
    const { counts, isComplete } = await readsOf(request).deadLetterCounts(
      namespaces,
      limits.deadLettersCounted,
    );
    const stats = deadLetterReasonNames.flatMap((reason) => {
      const own = counts.filter((count) => count.reason === reason);
      return own.length === 0 ? [] : [statsOf(reason, own)];
    });
    return { stats, isComplete };
  },
  hidden: (): DeadLetterStats => ({ stats: [], isComplete: true }),
});

function statsOf(reason: DeadLetterReason, counts: readonly DeadLetterCount[]): ReasonStats {
  const closed = counts.filter(({ status }) => status !== "PENDING");
  const closedCount = sumOf(closed.map(({ count }) => count));
  const closedAfter = sumOf(closed.map((each) => each.closedAfter));
  return {
    reason,
    total: sumOf(counts.map(({ count }) => count)),
    byStatus: Object.fromEntries(counts.map(({ status, count }) => [status, count])),
    oldestAt: instant(Math.min(...counts.map(({ oldestAt }) => oldestAt))),
    newestAt: instant(Math.max(...counts.map(({ newestAt }) => newestAt))),
    meanResolution: closedCount === 0 ? 0 : Math.round(closedAfter / closedCount),
  };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
