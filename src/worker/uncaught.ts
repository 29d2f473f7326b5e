import type { Log } from "#ports/telemetry";

/**
 * Logs uncaught errors and unhandled rejections instead of letting them end the process with the Runs of all agents.
 * Applies to the whole process, so use it only in one that does nothing but serve agents.
 *
 * @returns removes the handlers
 */
export function onUncaught(log: Log): () => void {
  const rejected = (error: unknown): void =>
    log.error("a promise that nobody awaits was rejected: await it in the agent, or catch it", { error });
  const thrown = (error: unknown): void =>
    log.error("an error was thrown where nobody catches it, as in a timer: catch it in the agent", { error });
  process.on("unhandledRejection", rejected);
  process.on("uncaughtException", thrown);
  return () => {
    process.off("unhandledRejection", rejected);
    process.off("uncaughtException", thrown);
  };
}
