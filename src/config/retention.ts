import { z } from "zod";
import { endedStatuses, type RetentionRule, type RetentionScope } from "#domain/task/retention";
import { limits } from "#limits/index";
import { parseDuration, type Setting, type Values } from "./setting.js";
import { duration, flag, path } from "./values.js";

/** Retention may not be shorter than an idempotency key is promised to hold. */
const least = `${limits.retentionMin / parseDuration("1h")}h`;

const kept = duration(least, "3650d");
const ADVICE = 'write a table, for example { "research/FAILED" = "30d" }, or research/FAILED=30d';

/** `NAMESPACE=DURATION` and `NAMESPACE/STATUS=DURATION`, or a table of them. */
const retentionRules = {
  schema: z
    .union(
      [
        z.array(z.string()).transform((texts) =>
          texts.map((text): readonly [string, string] => {
            const at = text.lastIndexOf("=");
            return [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
          }),
        ),
        z.record(z.string(), z.string()).transform(Object.entries<string>),
      ],
      ADVICE,
    )
    .transform((entries, { issues }): readonly RetentionRule[] => {
      const problem = (message: string) => issues.push({ code: "custom", message, input: "" });
      if (entries.length > 1_000) problem("has more than 1000 entries");
      return entries.flatMap(([name, text]) => {
        const scope = scopeOf(name);
        const read = kept.schema.safeParse(text);
        if (!scope)
          problem(
            `${JSON.stringify(name)} is no namespace, or namespace and status (${endedStatuses.join(", ")}): ${ADVICE}`,
          );
        if (!read.success) problem(`${JSON.stringify(name)}: ${read.error.issues[0]?.message}`);
        return scope && read.success ? [{ ...scope, keep: read.data }] : [];
      });
    }),
  range: `0 to 1000 of NAMESPACE=DURATION or NAMESPACE/STATUS=DURATION, ${kept.range}`,
} satisfies Values;

/** A namespace has no slash at its end with a status behind it, unless that is meant. */
function scopeOf(name: string): RetentionScope | undefined {
  const at = name.lastIndexOf("/");
  if (name === "" || at === 0) return undefined;
  if (at < 0) return { namespace: name };
  const status = endedStatuses.find((each) => each === name.slice(at + 1).toUpperCase());
  return status && { namespace: name.slice(0, at), status };
}

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
  "retention-of": {
    ...retentionRules,
    fallback: [],
    help: "How long ended tasks of a namespace are kept, or those of it that ended so, in the place of retention.",
  },
  "export-to": {
    ...path,
    range: `${path.range}; empty for none`,
    fallback: "",
    help: "Directory to which ended tasks are exported before they are removed; made if it does not exist. What cannot be exported is not removed.",
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
