import { hasEnded, TaskFailed, TaskRunError } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { document, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { follow } from "./follow.js";
import { describeTask } from "./page.js";
import { resultDocument, resultLine } from "./result.js";
import { wholeTaskId } from "./short-id.js";
import { whyWaiting } from "./waiting.js";
import { tellWarnings } from "./warnings.js";

export interface JsonOption {
  readonly json?: boolean;
}

/** `task get`: prints one task. */
export async function getTask(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  await withClient(io, options, async (client) => {
    const task = await client.tasks.get(await wholeTaskId(client, id, io));
    await io.stdout.write(options.json ? document(taskJson(task)) : describeTask(task, io));
    if (!options.json && !hasEnded(task)) await tellWarnings(task, io);
    const why = options.json ? undefined : await whyWaiting(client, task, io);
    if (why !== undefined) await io.stderr.write(`${why}\n`);
  });
  return exit.ok;
}

/** `task watch`: prints the events after `--after-seq`, then new ones until the task ends. */
export async function watchTask(
  id: string,
  options: ConnectionOptions & JsonOption & { readonly afterSeq?: number },
  io: Io,
): Promise<ExitCode> {
  return withClient(io, options, async (client) => {
    // A watch would wait for a server that is down; this call reports it instead.
    const task = await client.tasks.get(await wholeTaskId(client, id, io));
    return follow(client, task, { afterSeq: options.afterSeq ?? 0, json: options.json === true }, io);
  });
}

export interface RetryOptions {
  readonly idempotencyKey?: string;
  readonly reason?: string;
  readonly watch?: boolean;
}

/** `task retry`: creates a new task with the request of an ended one. */
export async function retryTask(
  id: string,
  options: ConnectionOptions & JsonOption & RetryOptions,
  io: Io,
): Promise<ExitCode> {
  const { idempotencyKey, reason, watch, json } = options;
  return withClient(io, options, async (client) => {
    const old = await wholeTaskId(client, id, io);
    const task = await client.tasks.retry(old, {
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(reason !== undefined && { reason }),
    });
    if (!json) await tellWarnings(task, io);
    if (watch) {
      if (!json) await io.stderr.write(`task ${oneLine(task.id)} created as a retry of ${oneLine(old)}\n`);
      return follow(client, task, { json: json === true }, io);
    }
    await io.stdout.write(json ? document(taskJson(task)) : `${oneLine(task.id)}\n`);
    return exit.ok;
  });
}

/** `task result`: prints the whole result of a completed task as JSON, and nothing else on stdout. */
export async function printResult(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const json = await withClient(io, options, async (client) => {
    const whole = await wholeTaskId(client, id, io);
    return client.tasks.resultJson(whole).catch((error: unknown) => {
      throw notEnded(error, whole, io);
    });
  });
  await io.stdout.write(options.json ? resultLine(json) : resultDocument(json));
  return exit.ok;
}

/** Says how to wait for the result of a task that has not ended; other errors are returned as they are. */
function notEnded(error: unknown, id: string, { self }: Io): unknown {
  if (!(error instanceof TaskRunError) || error instanceof TaskFailed || error.code !== "FAILED_PRECONDITION")
    return error;
  const [what = ""] = error.message.split(";", 1);
  return new CliError(exit.failed, what, [`Wait for it with \`${self} task wait ${oneLine(id)}\`.`], error);
}
