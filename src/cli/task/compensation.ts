import { hasEnded, type Task, type TaskRunClient } from "#client/index";
import { type ExitCode, exit } from "../exit.js";
import { colorsFor, paintStatus } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";

/**
 * Tells which Task compensates the completed Steps of one that has ended, waits for its end, and tells how it ended. Ctrl-C
 * ends the wait. Returns the exit code if it does; undefined otherwise, also if nothing is compensated.
 */
export async function followCompensation(
  client: TaskRunClient,
  ended: Task,
  io: Io,
): Promise<ExitCode | undefined> {
  if (ended.status === "COMPLETED") return undefined;
  // The event of the end does not say it yet.
  const { compensatedBy } = await client.tasks.get(ended.id);
  if (compensatedBy === "") return undefined;

  const id = oneLine(compensatedBy);
  await io.stderr.write(`task ${id} compensates the steps that had been completed; waiting for its end\n`);
  const end = await endOf(client, compensatedBy, io);
  if (!end) {
    await io.stderr.write(`\nThe compensation continues. Watch it with\n  ${io.self} task watch ${id}\n`);
    return exit.interrupted;
  }
  const status = paintStatus(colorsFor(io.stderr, io), end.status);
  const why = end.errorMessage === "" ? "" : `: ${oneLine(end.errorMessage)}`;
  await io.stderr.write(`compensation ${id}: ${status}${why}\n`);
  return undefined;
}

async function endOf(client: TaskRunClient, id: string, io: Io): Promise<Task | undefined> {
  const interrupted = new AbortController();
  const unhear = io.onSignal(() => interrupted.abort());
  try {
    const { signal } = interrupted;
    for await (const event of client.tasks.watch(id, { signal })) {
      if (event.type === "task" && hasEnded(event.task)) return event.task;
    }
    return undefined;
  } finally {
    unhear();
  }
}
