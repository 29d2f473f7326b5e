import { limits } from "#limits/index";
import { parseDuration, type Setting } from "./setting.js";
import { duration, flag } from "./values.js";

/** Retention may not be shorter than an idempotency key is promised to hold. */
const least = `${limits.retentionMin / parseDuration("1h")}h`;

/** How long Tasks are kept, and by which clock. */
export const retention = {
  retention: {
    ...duration(least, "3650d"),
    fallback: "7d",
    help: "How long an ended task is kept, and its idempotency key with it.",
  },
  "dead-letter-retention": {
    ...duration(least, "3650d"),
    fallback: "30d",
    help: "How long an ended task is kept at least while its dead letter is pending; shorter than retention it has no effect.",
  },
  "accept-clock": {
    ...flag,
    fallback: false,
    help: `The wall clock is right although it is more than ${limits.clockGap / parseDuration("1d")} days from what the data directory remembers; for one start.`,
  },
} as const satisfies Record<string, Setting>;

/** The retention of a server that says nothing of it. */
export const defaultRetention = parseDuration(retention.retention.fallback);
export const defaultDeadLetterRetention = parseDuration(retention["dead-letter-retention"].fallback);
