import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { ToldError } from "./error.js";
import { inWords } from "./in-words.js";

/**
 * The stack of what an agent threw, followed by those of its causes and of the errors that it collects; empty if there
 * is none. Other properties of errors are left out: clients of HTTP put requests with their secrets there. Cut to what
 * the server keeps. Never throws, even if reading the value does.
 */
export function stackOf(thrown: unknown): string {
  const told = readable(() => (thrown instanceof ToldError ? thrown.detail : undefined), undefined);
  return kept(told ?? stacks(thrown));
}

function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function kept(text: string): string {
  return clip(text, limits.errorDetailBytes).toWellFormed();
}

function stacks(thrown: unknown): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  const queue = [{ what: "", value: thrown }];
  for (let next = queue.shift(); next && seen.size < limits.stackCauses; next = queue.shift()) {
    const { what, value } = next;
    if (seen.has(value)) continue;
    seen.add(value);
    const stack = readable(() => ownStack(value), "");
    if (what === "" && stack === "") return "";
    parts.push(`${what}${stack || inWords(value)}`);
    queue.push(...readable(() => behind(value), []));
  }
  return parts.join("\n");
}

/** What is thrown by another realm is no `instanceof Error`: any object with a stack counts. */
function ownStack(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const { stack, message } = value as Partial<Record<"stack" | "message", unknown>>;
  if (typeof stack !== "string") return "";
  const shown = limits.stackMessageChars;
  if (typeof message !== "string" || message.length <= shown) return stack;
  return stack.replace(message, () => `${message.slice(0, shown)}…`);
}

function behind(value: unknown): { what: string; value: unknown }[] {
  if (typeof value !== "object" || value === null) return [];
  const { cause, errors } = value as Partial<Record<"cause" | "errors", unknown>>;
  const collected = Array.isArray(errors) ? errors.slice(0, limits.stackCauses) : [];
  return [
    ...(cause == null ? [] : [{ what: "caused by: ", value: cause }]),
    ...collected.map((error) => ({ what: "with: ", value: error })),
  ];
}
