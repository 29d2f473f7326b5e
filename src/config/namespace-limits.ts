import { z } from "zod";
import type { ByNamespace } from "#domain/namespace-limits";
import { MIB } from "#limits/units";
import { budgets } from "./budgets.js";
import type { Setting, Values } from "./setting.js";

interface Numbers {
  readonly most: number;
  /** True if it must be a whole number. */
  readonly isWhole?: boolean;
  /** A number for the advice. */
  readonly example: number;
  /** What one of it is in the unit of the server. */
  readonly unit?: number;
}

/** `NAMESPACE=NUMBER`, or a table of them. */
function byNamespace({ most, isWhole = false, example, unit = 1 }: Numbers) {
  const advice = `write a table, for example { research = ${example} }, or research=${example}`;
  const kind = isWhole ? "whole number" : "number";
  const isRight = (value: number) => value > 0 && value <= most && !(isWhole && !Number.isInteger(value));
  return {
    schema: z
      .union(
        [
          z.array(z.string()).transform((texts) =>
            texts.map((text): readonly [string, number] => {
              const at = text.lastIndexOf("=");
              return [text.slice(0, Math.max(at, 0)), Number(text.slice(at + 1) || Number.NaN)];
            }),
          ),
          z.record(z.string(), z.number()).transform(Object.entries<number>),
        ],
        advice,
      )
      .transform((entries, { issues }): ByNamespace => {
        const wrong = entries.find(([name, value]) => name === "" || !isRight(value));
        const says = `${JSON.stringify(wrong?.[0])} must be a namespace with a ${kind} above 0 and up to ${most}: ${advice}`;
        if (wrong) issues.push({ code: "custom", message: says, input: "" });
        if (entries.length > 1_000)
          issues.push({ code: "custom", message: "has more than 1000 entries", input: "" });
        return new Map(entries.map(([name, value]) => [name, value * unit]));
      }),
    range: "0 to 1000 of NAMESPACE=NUMBER",
  } satisfies Values;
}

/** What one namespace may ask of a server, and have of it. */
export const namespaceLimits = {
  "create-rates": {
    ...byNamespace({ most: 1_000_000, example: 50 }),
    fallback: [],
    help: "Tasks that each namespace may create in a second, on the average; * is each that is not named. Without any there is no such limit.",
  },
  budgets,
  "waiting-tasks": {
    ...byNamespace({ most: 100_000, isWhole: true, example: 500 }),
    fallback: [],
    help: "Tasks of each namespace that may wait for their first Run; * is each that is not named. Without any it is `waitingPerNamespace`.",
  },
  "open-watchers": {
    ...byNamespace({ most: 1_000_000, isWhole: true, example: 20 }),
    fallback: [],
    help: "Streams of events that may be open for the Tasks of each namespace, on each server; * is each that is not named. Without any there is no such limit.",
  },
  "daily-output": {
    ...byNamespace({ most: 1_000_000_000, example: 500, unit: MIB }),
    fallback: [],
    help: "MiB that Runs of each namespace may write in a day, UTC, before new Tasks of it are refused; * is each that is not named. Without any there is no such limit.",
  },
} as const satisfies Record<string, Setting>;

type Names = keyof typeof namespaceLimits;
type Read = <Name extends Names>(name: Name) => z.output<(typeof namespaceLimits)[Name]["schema"]>;

/** The settings, as the server has them. */
export function namespaceSettings(setting: Read) {
  return {
    createRates: setting("create-rates"),
    budgets: setting("budgets"),
    waitingTasks: setting("waiting-tasks"),
    openWatchers: setting("open-watchers"),
    dailyOutput: setting("daily-output"),
  };
}
