import { z } from "zod";
import type { Setting, Values } from "./setting.js";

const MOST = 1_000_000;
const ADVICE = "write a table, for example { research = 50 }, or research=50";

/** `NAMESPACE=NUMBER`, or a table of them. */
const rates = {
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
      ADVICE,
    )
    .transform((entries, { issues }): ReadonlyMap<string, number> => {
      const wrong = entries.find(([name, rate]) => name === "" || !(rate > 0 && rate <= MOST));
      const says = `${JSON.stringify(wrong?.[0])} must be a namespace with a number above 0 and up to ${MOST}: ${ADVICE}`;
      if (wrong) issues.push({ code: "custom", message: says, input: "" });
      if (entries.length > 1_000)
        issues.push({ code: "custom", message: "has more than 1000 entries", input: "" });
      return new Map(entries);
    }),
  range: "0 to 1000 of NAMESPACE=NUMBER",
} satisfies Values;

/** What one namespace may ask of a server. */
export const createRates = {
  "create-rates": {
    ...rates,
    fallback: [],
    help: "Tasks that each namespace may create in a second, on the average; * is each that is not named. Without any there is no such limit.",
  },
} as const satisfies Record<string, Setting>;
