import { z } from "zod";
import { type CompatAddress, compatNames, readCompat } from "#domain/compat";
import { readOrigin } from "#domain/text/origin";
import type { Millis } from "#domain/time/time";
import { type ConfigError, parseDuration, type Values } from "./setting.js";

/** A length of time between two bounds, given in the words of {@link parseDuration}. */
export function duration(least: string, most: string, more = "") {
  const bounds = { least: parseDuration(least), most: parseDuration(most) };
  // In a file a length of time is easily written as a bare number.
  const error = ({ input }: { readonly input?: unknown }) =>
    `write a duration in quotes, for example "${typeof input === "number" ? input : 30}s"`;
  const schema = z.string({ error }).transform((text, { issues }): Millis => {
    const problem = (message: string) => {
      issues.push({ code: "custom", message, input: text });
      return z.NEVER;
    };
    try {
      const value = parseDuration(text);
      const fits = value >= bounds.least && value <= bounds.most;
      return fits ? value : problem(`"${text}" is out of range: ${least} to ${most}`);
    } catch (thrown) {
      return problem((thrown as ConfigError).message);
    }
  });
  return { schema, range: `${least} to ${most}${more}` } satisfies Values;
}

/** `HOST:PORT`, IPv6 in brackets; port 0 lets the system choose. */
const address = z.string("is no text; write addresses in quotes").refine((text) => {
  const port = Number(/^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN);
  return port <= 65_535;
}, "is not HOST:PORT; write for example 127.0.0.1:50051 or [::1]:50051");

/** An address per listener, and not so many that it can only be a mistake. */
export function addresses(least: 0 | 1, more: string) {
  const schema = z
    .array(address, 'write a list of addresses, for example ["127.0.0.1:50051"]')
    .max(16, "has more than 16 addresses")
    .min(least, "is empty; workers and clients need at least one address");
  return { schema, range: `${least} to 16 of HOST:PORT; ${more}` } satisfies Values;
}

/** Addresses for clients of other systems, each by the system's name. */
const compatEntry = z
  .string("is no text; write names in quotes")
  .transform((text, { issues }): readonly CompatAddress[] => {
    const problem = (message: string) => {
      issues.push({ code: "custom", message, input: text });
      return z.NEVER;
    };
    const read = readCompat(text);
    if ("problem" in read) return problem(read.problem);
    const wrong = read.find((each) => !address.safeParse(each.address).success);
    return wrong ? problem(`is not NAME=HOST:PORT; write for example ${wrong.name}=127.0.0.1:9000`) : read;
  });
export const compatAddresses = {
  schema: z
    .array(compatEntry, `write a list of names, for example ["${compatNames[0]}"]`)
    .max(16, "has more than 16 entries")
    .transform((entries) => entries.flat()),
  range: `0 to 16 of ${compatNames.join(", ")}, each alone or with =HOST:PORT`,
} satisfies Values;

/** Origins of web pages, each in full, in the form in which browsers send them. */
const origin = z.string("is no text; write origins in quotes").transform((text, { issues }): string => {
  const { origin, problem } = readOrigin(text);
  if (problem === undefined) return origin;
  issues.push({ code: "custom", message: problem, input: text });
  return z.NEVER;
});
export const origins = {
  schema: z
    .array(origin, 'write a list of origins, for example ["https://app.example"]')
    .max(64, "has more than 64 origins"),
  range: "0 to 64 of SCHEME://HOST[:PORT], no patterns",
} satisfies Values;

/** One of some words. */
export function oneOf<const Word extends string>(words: readonly Word[], between = ", ") {
  const schema = z.enum(words, {
    error: ({ input }) => `${JSON.stringify(input)} is none of ${words.join(", ")}`,
  });
  return { schema, range: words.join(between) } satisfies Values;
}

/** A whole number between two bounds. From a flag or a variable it comes as text. */
export function count(least: number, most: number) {
  const advice = `is out of range: write a whole number from ${least} to ${most}`;
  const schema = z
    .union([z.number(), z.string().regex(/^\d{1,9}$/)], advice)
    .transform(Number)
    .pipe(z.int(advice).min(least, advice).max(most, advice));
  return { schema, range: `${least} to ${most}` } satisfies Values;
}

/** Yes or no. */
export const flag = { schema: z.boolean("write true or false"), range: "true or false" } satisfies Values;

/** A path; what is relative is meant from the working directory. */
export const path = {
  schema: z.string("write a path in quotes"),
  range: "a path, from the working directory",
  isPath: true,
} as const satisfies Values & { readonly isPath: true };
