import { unknownName } from "#domain/option-names";
import type { UsedModel } from "#domain/task/usage";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { textOf } from "../agent/checks.js";
import type { StepOptions, UsageReport, Verify } from "../agent/durable.js";
import { inWords } from "../agent/in-words.js";
import { jsonOf } from "../agent/json-of.js";
import { kindOf } from "../agent/kind-of.js";

/*
 * Checks of what an agent passes to its durable functions, made at the call, so that the error reaches the code at fault. Each throws a
 * `TypeError` for a value of the wrong type and a `RangeError` for one beyond a limit; the message names the argument.
 */

/** What names an entry of a journal, or a model. */
export function journalName(value: unknown, name: string): string {
  const text = textOf(value, name);
  if (text === "") throw new RangeError(`${name} is empty: say what it is called`);
  const bytes = utf8Bytes(text);
  if (bytes <= limits.journalNameBytes) return text;
  throw new RangeError(
    `${name} is ${bytes} bytes long; the limit is ${limits.journalNameBytes} bytes: send a shorter one`,
  );
}

export function functionOf<Fn>(value: unknown, name: string): Fn {
  if (typeof value === "function") return value as Fn;
  throw new TypeError(`${name} is ${kindOf(value)}, not a function`);
}

/** Options, of which none is unknown. */
export function optionsOf<Options extends object>(
  value: Options | undefined,
  name: string,
  known: readonly (keyof Options & string)[],
): Options {
  if (value === undefined) return {} as Options;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} is ${kindOf(value)}: send an object`);
  }
  const unknown = unknownName(value, known);
  if (unknown !== undefined) throw new TypeError(`${name} ${unknown}`);
  return value;
}

/** Milliseconds to wait, rounded up. */
export function durationOf(value: unknown, name: string): number {
  if (typeof value !== "number")
    throw new TypeError(`${name} is ${kindOf(value)}, not a number of milliseconds`);
  if (value >= 0 && value <= limits.stepWaitMost) return Math.ceil(value);
  throw new RangeError(`${name} is ${value}: send milliseconds from 0 to ${limits.stepWaitMost}`);
}

/** What is the payload of a signal that does not come, as JSON text; undefined for none. */
export function defaultOf(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  const json = jsonOf(value, name);
  const bytes = utf8Bytes(json);
  if (bytes <= limits.signalDefaultBytes) return json;
  throw new RangeError(`${name} is ${bytes} bytes of JSON; the limit is ${limits.signalDefaultBytes} bytes`);
}

/** What to do with a step in doubt. */
export function onDoubtOf(
  onDoubt: StepOptions<unknown>["onDoubt"],
  verify: StepOptions<unknown>["verify"],
): "hold" | "retry" | "fail" | Verify<unknown> {
  if (onDoubt !== undefined && verify !== undefined) {
    throw new TypeError("options: onDoubt and verify are the same: send one of them");
  }
  if (verify !== undefined) return functionOf(verify, "options: verify");
  if (onDoubt === undefined) return "hold";
  if (typeof onDoubt === "function") return onDoubt;
  if (["hold", "retry", "fail"].includes(onDoubt)) return onDoubt;
  throw new TypeError(`options: onDoubt is ${String(onDoubt)}, not hold, retry, fail or a function`);
}

const counts = ["inputTokens", "outputTokens", "cachedTokens", "toolCalls"] as const;
const usageParts = ["model", ...counts, "usdMicros"] as const;

/** A report of usage, whole. */
export function usageOf(report: UsageReport): UsedModel {
  const where = "usage(report): report";
  if (report === undefined) throw new TypeError(`${where} is undefined: send an object`);
  let given: Partial<Record<(typeof usageParts)[number], unknown>>;
  try {
    given = { ...optionsOf(report, where, usageParts) };
  } catch (error) {
    throw error instanceof TypeError ? error : new TypeError(`${where} cannot be read: ${inWords(error)}`);
  }
  const [inputTokens = 0, outputTokens = 0, cachedTokens = 0, toolCalls = 0] = counts.map((name) =>
    countOf(given[name] ?? 0, `${where}.${name}`),
  );
  return {
    model: journalName(given.model, `${where}.model`),
    ...{ inputTokens, outputTokens, cachedTokens, toolCalls },
    ...(given.usdMicros !== undefined && { usdMicros: countOf(given.usdMicros, `${where}.usdMicros`) }),
  };
}

function countOf(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} is ${kindOf(value)}, not a number`);
  if (Number.isInteger(value) && value >= 0 && value <= limits.usageCount) return value;
  throw new RangeError(`${name} is ${value}, not a whole number from 0 to ${limits.usageCount}`);
}
