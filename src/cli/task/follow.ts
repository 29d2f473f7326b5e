import { hasEnded, type Task, type TaskRunClient, type TaskRunError } from "#client/index";
import { type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { canRedraw } from "../terminal/size.js";
import { followCompensation } from "./compensation.js";
import { eventLines, type Show } from "./show.js";
import { explainWaiting } from "./waiting.js";

export interface FollowOptions {
  readonly afterSeq?: number;
  readonly json?: boolean;
}

/**
 * Watches a task to its end. Prints output to stdout and other events to stderr; with `json` every event to stdout, a line
 * each; for a graph on a terminal, a live view of its steps. Returns the exit code of the task's status. Ctrl-C stops
 * watching, not the task, and prints how to continue. If completed steps of a task that failed are compensated, it goes on,
 * without `json`, until that has ended, and says how.
 */
export async function follow(
  client: TaskRunClient,
  task: Task,
  options: FollowOptions,
  io: Io,
): Promise<ExitCode> {
  const { afterSeq = 0, json = false } = options;
  const { id } = task;
  const interrupted = new AbortController();
  const unhear = io.onSignal(() => interrupted.abort());
  const show = json ? eventLines(io) : await showFor(task, io);
  let seq = afterSeq;
  let end: Task | undefined;
  let lost = false;
  const onLost = ({ reason, message }: TaskRunError) => {
    const what = reason === "CONNECTION_LOST" ? "connection lost" : message;
    if (!lost) void show.note(`${what}; the watch continues when the server is back`);
    lost = true;
  };
  const note = async (text: string) => {
    if (text !== told) await show.note(text);
    told = text;
  };
  let told = "";
  let unwait = explainWaiting(client, id, note, io);

  try {
    const { signal } = interrupted;
    for await (const event of client.tasks.watch(id, { afterSeq, signal, onLost })) {
      lost = false;
      seq = event.seq;
      unwait();
      unwait = explainWaiting(client, id, note, io);
      if (event.type === "task" && hasEnded(event.task)) end = event.task;
      await show.tell(event);
    }
  } finally {
    unhear();
    unwait();
    await show.close();
  }
  if (end) {
    const told = json ? undefined : await followCompensation(client, end, io);
    return told ?? (end.status === "COMPLETED" ? exit.ok : exit.failed);
  }

  await io.stderr.write(
    `\nThe task continues. Watch it from here with\n  ${io.self} task watch ${id} --after-seq ${seq}\n`,
  );
  return exit.interrupted;
}

/** Chooses the live view for a graph on a terminal, and printed events otherwise. */
async function showFor(task: Task, io: Io): Promise<Show> {
  const canDraw = io.stdout.isTTY && canRedraw(io.stderr) && io.env.TERM !== "dumb";
  const { isGraph } = await import("./step-table.js");
  if (canDraw && isGraph(task)) return new (await import("./progress.js")).Progress(task, io);
  return new (await import("./event-printer.js")).EventPrinter(io);
}
