import { constants } from "node:os";

const names = ["SIGTERM", "SIGINT"] as const;

/**
 * Handles SIGTERM and SIGINT: the first calls `leave`, the second exits the process.
 *
 * @param leave starts an orderly shutdown
 * @returns removes the handlers
 */
export function onSignals(leave: (signal: string) => void): () => void {
  let asked = false;
  const handle = (name: (typeof names)[number]): void => {
    if (asked) process.exit(128 + constants.signals[name]);
    asked = true;
    leave(name);
  };
  for (const name of names) process.on(name, handle);
  return () => {
    for (const name of names) process.off(name, handle);
  };
}
