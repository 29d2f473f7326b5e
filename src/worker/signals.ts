import { constants } from "node:os";

const names = ["SIGTERM", "SIGINT"] as const;

/**
 * The first signal asks the process to leave, the second ends it. The answer takes the handlers back, and
 * a process with nothing left to do then ends by itself.
 *
 * @param leave begins an orderly end
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
