import type { Task, TaskRunClient, TaskRunError } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { colorsFor } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { followCompensation } from "./compensation.js";
import { eachTask, refusedCode } from "./each-task.js";
import { resultDocument } from "./result.js";
import { wholeTaskId } from "./short-id.js";
import { endOf } from "./show.js";
import type { JsonOption } from "./task.js";
import { explainWaiting } from "./waiting.js";

type WaitOptions = ConnectionOptions & JsonOption;

/**
 * `task wait`: waits for the end of every Task that is named, and tells of each as it ends. The exit code is that of the
 * first that was refused; otherwise it says whether all have completed. Ctrl-C ends the wait, not the Tasks.
 */
export async function waitTasks(ids: readonly string[], options: WaitOptions, io: Io): Promise<ExitCode> {
  const [only] = ids;
  if (only !== undefined && ids.length === 1) {
    return withClient(io, options, async (client) => {
      const id = await wholeTaskId(client, only, io);
      await checkReached(client, id);
      return waitForOne(client, id, (task) => `${oneLine(task.id)} ${task.status}\n`, options, io);
    });
  }

  const left: string[] = [];
  const wait = interruptible(io);
  const act = async (client: TaskRunClient, id: string) => {
    await checkReached(client, id);
    const task = await wait.ended(client, id);
    if (!task) left.push(id);
    return task;
  };
  const outcomes = await eachTask(ids, options, { atOnce: limits.waitsAtOnce, act }, io).finally(wait.done);
  if (left.length > 0) return tellLeft(left, io);
  const completed = outcomes.every((one) => "refused" in one || one.task.status === "COMPLETED");
  return refusedCode(outcomes) ?? (completed ? exit.ok : exit.failed);
}

/** A wait would go on while the server is down; this call reports it instead. @throws {TaskRunError} */
async function checkReached(client: TaskRunClient, id: string): Promise<void> {
  await client.tasks.get(id);
}

/** Waits for a new Task and prints its result, with `--json` all of it. */
export async function waitForResult(
  client: TaskRunClient,
  { id }: Task,
  options: WaitOptions,
  io: Io,
): Promise<ExitCode> {
  const result = async (task: Task) =>
    task.status === "COMPLETED" ? resultDocument(await client.tasks.resultJson(id)) : "";
  return waitForOne(client, id, result, options, io);
}

/** @param shown what is printed of the ended Task on stdout, without `--json` */
async function waitForOne(
  client: TaskRunClient,
  id: string,
  shown: (task: Task) => string | Promise<string>,
  { json = false }: WaitOptions,
  io: Io,
): Promise<ExitCode> {
  const wait = interruptible(io);
  const note = (text: string) => io.stderr.write(`${text}\n`);
  const unexplain = json ? () => {} : explainWaiting(client, id, note, io);
  const task = await wait.ended(client, id).finally(() => {
    unexplain();
    wait.done();
  });
  if (!task) return tellLeft([id], io);

  await io.stdout.write(json ? document(taskJson(task)) : await shown(task));
  if (!json && (task.status !== "COMPLETED" || io.stderr.isTTY)) {
    const [end = ""] = endOf(task, colorsFor(io.stderr, io), io);
    await note(end);
  }
  const interrupted = json ? undefined : await followCompensation(client, task, io);
  return interrupted ?? (task.status === "COMPLETED" ? exit.ok : exit.failed);
}

/** Waits that Ctrl-C ends, with one note when the connection is lost. Call `done` at the end. */
function interruptible(io: Io) {
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const done = io.onSignal(() => interrupted.abort());
  let lost = false;
  const onLost = ({ reason, message }: TaskRunError) => {
    const what = reason === "CONNECTION_LOST" ? "connection lost" : oneLine(message);
    if (!lost) void io.stderr.write(`${what}; the wait continues when the server is back\n`);
    lost = true;
  };
  return {
    done,
    /** Undefined if interrupted. */
    async ended(client: TaskRunClient, id: string): Promise<Task | undefined> {
      try {
        return await client.tasks.wait(id, { signal, onLost });
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    },
  };
}

async function tellLeft(ids: readonly string[], { self, stderr }: Io): Promise<ExitCode> {
  const what = ids.length === 1 ? "The task continues. Wait for it" : "The tasks continue. Wait for them";
  await stderr.write(`\n${what} again with\n  ${self} task wait ${ids.map(oneLine).join(" ")}\n`);
  return exit.interrupted;
}
