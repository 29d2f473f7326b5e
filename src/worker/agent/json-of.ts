import { brand } from "#domain/brand";
import { tooDeepAt } from "#domain/json/depth";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { AgentError, OutputLimitError } from "./error.js";
import { inWords } from "./in-words.js";
import { kindOf } from "./kind-of.js";

/** A value as JSON text that was never parsed, so that its digits are those that were written. */
export class JsonText {
  readonly text: string;

  /** @param text valid JSON */
  constructor(text: string) {
    this.text = text;
  }
}
brand(JsonText, "JsonText");

/**
 * Converts a result or checkpoint of an agent to JSON text within the server's limits; empty for undefined.
 *
 * @param what the name of the value in error messages
 * @throws {AgentError} if the value has no JSON form, is too large or too deep; not retryable
 */
export function jsonOf(value: unknown, what: string): string {
  const json = written(value, what);
  const bytes = utf8Bytes(json);
  if (bytes > limits.resultBytes) {
    const message = `the agent's ${what} is ${bytes} bytes of JSON, at most ${limits.resultBytes} can be kept`;
    throw new OutputLimitError(message);
  }
  if (tooDeepAt(json, limits.jsonDepth) === undefined) return json;
  const message = `the agent's ${what} is nested deeper than ${limits.jsonDepth} levels: make it flatter, or its inner part a string`;
  throw new AgentError(message, { retryable: false });
}

function written(value: unknown, what: string): string {
  if (value === undefined) return "";
  if (value instanceof JsonText) return value.text;
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    const message = `the agent's ${what} cannot be written as JSON: ${inWords(cause)}`;
    throw new AgentError(message, { retryable: false, cause });
  }
  if (json !== undefined) return json;
  const message = `the agent's ${what} is ${kindOf(value)}, of which JSON can say nothing: return plain values`;
  throw new AgentError(message, { retryable: false });
}
