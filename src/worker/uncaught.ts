import type { Log } from "#ports/telemetry";

/**
 * Errors that an agent has left behind, where nobody catches them, are logged, and the process goes on: they would
 * end it otherwise, and with it the runs of all other agents. For the whole process, so only for one that does nothing
 * but serve agents.
 *
 * @returns takes it back
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
