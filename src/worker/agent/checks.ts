import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/task/task";
import { labelsProblem } from "#domain/text/labels";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { type AgentEvent, agentEvents, type Backend, type Speaker, speakers } from "./context.js";
import { inWords } from "./in-words.js";
import { kindOf } from "./kind-of.js";

/**
 * Checks of the values that an agent sends, made at the call, so that the error reaches the code at fault: the server
 * would fail the whole Run. Each returns a plain copy of the value, with the text as it will be on the wire.
 *
 * All throw a `TypeError` for a value of the wrong type and a `RangeError` for one beyond a limit; the message names the
 * argument and the way out.
 */

/** Returns the text with each unpaired surrogate replaced by U+FFFD, as UTF-8 encoders do. */
export function textOf(value: unknown, name: string): string {
  if (typeof value === "string") return value.toWellFormed();
  throw new TypeError(`${name} is ${kindOf(value)}, not a string: send text, or JSON.stringify what is none`);
}

export function labelsOf(value: unknown, name: string): Labels {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} is ${kindOf(value)}: send an object of strings`);
  }
  const entries = entriesOf(value, name).map(([key, text]) => {
    return [key.toWellFormed(), textOf(text, `${name} ${JSON.stringify(key.slice(0, 64))}`)] as const;
  });
  const labels = Object.fromEntries(entries);
  const problem = labelsProblem(labels);
  if (problem !== undefined) throw new RangeError(`${name} ${problem}`);
  return labels;
}

/** Reads an object's entries. What its getters or proxy throw becomes the cause of a `TypeError`. */
function entriesOf(value: object, name: string): [string, unknown][] {
  let entries: [string, unknown][] | undefined;
  try {
    if (!(Symbol.iterator in value)) entries = Object.entries(value);
  } catch (cause) {
    throw new TypeError(`${name} cannot be read: ${inWords(cause)}`, { cause });
  }
  // A Map, for example, would look like an empty object.
  if (entries === undefined) throw new TypeError(`${name} is a collection: send an object of strings`);
  return entries;
}

export function chatOf(value: unknown): string {
  const text = textOf(value, "chat(speaker, text): text");
  const bytes = utf8Bytes(text);
  if (bytes <= limits.chunkBytes) return text;
  throw new RangeError(
    `a chat message of ${bytes} bytes is over the limit of ${limits.chunkBytes}: send several`,
  );
}

export function speakerOf(value: unknown): Speaker {
  return oneOf(speakers, value, "chat(speaker, text): speaker");
}

/** A type that is known, or a name of the agent's own: one that is like a known one, but for a slip, is none. */
export function eventOf(value: unknown): AgentEvent {
  if (typeof value === "string" && OWN_EVENT.test(value)) return value as AgentEvent;
  const words = [...agentEvents, "a name of your own, of small letters, digits, _ . and -, at most 64"];
  return oneOf(words, value, "event(type, metadata): type") as AgentEvent;
}

const OWN_EVENT = /^[a-z][a-z0-9_.-]{0,63}$/;

function oneOf<Word extends string>(words: readonly Word[], value: unknown, name: string): Word {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const given = typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : kindOf(value);
  throw new TypeError(`${name} is ${given}, not one of ${words.join(", ")}`);
}

/** @param name what the error message calls the backend */
export function backendOf(value: unknown, name: string): ModelBackend {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} is ${kindOf(value)}: send { provider, modelName } at least`);
  }
  let parts: Backend;
  try {
    const { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata } =
      value as Backend;
    parts = { provider, modelName, contextWindow, supportsStreaming, modalities, tools, metadata } as Backend;
  } catch (cause) {
    throw new TypeError(`${name} cannot be read: ${inWords(cause)}`, { cause });
  }
  const { contextWindow = 0, supportsStreaming = false, modalities = [], tools = [], metadata = {} } = parts;
  if (typeof supportsStreaming !== "boolean") {
    throw new TypeError(`${name}.supportsStreaming is ${kindOf(supportsStreaming)}, not true or false`);
  }
  return {
    provider: nameOf(parts.provider, `${name}.provider`),
    modelName: nameOf(parts.modelName, `${name}.modelName`),
    contextWindow: tokensOf(contextWindow, `${name}.contextWindow`),
    supportsStreaming,
    modalities: wordsOf(modalities, `${name}.modalities`),
    tools: wordsOf(tools, `${name}.tools`),
    metadata: labelsOf(metadata, `${name}.metadata`),
  };
}

export function nameOf(value: unknown, name: string): string {
  return within(textOf(value, name), limits.idBytes, name);
}

/** The field is a uint32. */
const TOKENS_MAX = 2 ** 32 - 1;

function tokensOf(value: unknown, name: string): number {
  if (typeof value !== "number") throw new TypeError(`${name} is ${kindOf(value)}, not a number of tokens`);
  if (Number.isInteger(value) && value >= 0 && value <= TOKENS_MAX) return value;
  throw new RangeError(`${name} is ${value}, not a whole number of tokens from 0 to ${TOKENS_MAX}`);
}

export function wordsOf(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw new TypeError(`${name} is ${kindOf(value)}, not an array of strings`);
  if (value.length > limits.labels) {
    throw new RangeError(`${name} has ${value.length} entries; the limit is ${limits.labels}: send fewer`);
  }
  return Array.from(value, (word: unknown, i) => {
    return within(textOf(word, `${name}[${i}]`), limits.labelBytes, `${name}[${i}]`);
  });
}

function within(text: string, bytesMax: number, name: string): string {
  const bytes = utf8Bytes(text);
  if (bytes <= bytesMax) return text;
  throw new RangeError(`${name} is ${bytes} bytes long; the limit is ${bytesMax} bytes: send a shorter one`);
}
