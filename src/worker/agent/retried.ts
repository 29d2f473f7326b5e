import { limits } from "#limits/index";

/**
 * True if an agent's `retry.only` names what was thrown: by the `name` or the `code` of the error or of one of its causes,
 * since what went wrong is often the cause of what is thrown, as with `fetch`. True of everything if it names nothing. Never
 * throws, even if reading the error does.
 */
export function isRetried(error: unknown, only: readonly string[] = []): boolean {
  if (only.length === 0) return true;
  try {
    let at: unknown = error;
    for (let depth = 0; depth <= limits.causesFollowed; depth += 1) {
      if (typeof at !== "object" || at === null) return false;
      const { name, code, cause } = at as Partial<Record<"name" | "code" | "cause", unknown>>;
      if (only.some((word) => word === name || word === code)) return true;
      at = cause;
    }
  } catch {
    // What cannot be read is none of those that are named.
  }
  return false;
}
