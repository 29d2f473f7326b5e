import { hasEnded, type Task, TaskFailed, type TaskFilter, TaskRunError } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { CliError, type ExitCode, exit } from "../exit.js";
import { ago, colorsFor, paintStatus, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line, taskJson } from "../terminal/json.js";
import { oneLine } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";
import { follow } from "./follow.js";
import { describeTask } from "./page.js";
import { resultDocument, resultLine } from "./result.js";
import { shortIds, wholeTaskId } from "./short-id.js";
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

export interface ListOptions extends ConnectionOptions, JsonOption {
  readonly status?: NonNullable<TaskFilter["status"]>;
  readonly agent?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly limit: number;
}

/** `task list`: prints the newest `limit` tasks. */
export async function listTasks(options: ListOptions, io: Io): Promise<ExitCode> {
  const { status, agent, label, limit, json } = options;
  const filter: TaskFilter = {
    ...(status !== undefined && { status }),
    ...(agent !== undefined && { agent }),
    ...(label !== undefined && { labels: label }),
    pageSize: Math.min(limit, 1_000),
  };

  const tasks: Task[] = [];
  await withClient(io, options, async (client) => {
    let left = limit;
    for await (const task of client.tasks.list(filter)) {
      if (json) await io.stdout.write(line(taskJson(task)));
      else tasks.push(task);
      left -= 1;
      if (left === 0) break;
    }
  });
  if (!json) await showTasks(tasks, limit, io);
  return exit.ok;
}

async function showTasks(tasks: readonly Task[], limit: number, io: Io): Promise<void> {
  if (tasks.length === 0) return io.stderr.write("There are no matching tasks.\n");
  const colors = colorsFor(io.stdout, io);
  const now = io.now();
  const short = shortIds(tasks.map(({ id }) => id));

  const columns: Column<Task>[] = [
    { title: "TASK", cell: ({ id }) => id, short: ({ id }) => short.get(id) ?? id },
    { title: "STATUS", cell: ({ status }) => status, paint: (status) => paintStatus(colors, status) },
    { title: "AGENT", cell: ({ agent, template }) => agent || (template?.name ?? "-"), least: 8 },
    { title: "CREATED", cell: ({ createdAtMs }) => ago(createdAtMs, now), optional: true },
    {
      title: "TOOK",
      cell: ({ createdAtMs, finishedAtMs }) => took(createdAtMs, finishedAtMs),
      optional: true,
    },
    { title: "ERROR", cell: ({ errorMessage }) => errorMessage, least: ERROR_LEAST },
  ];
  await io.stdout.write(table(columns, tasks, layoutWidth(io.stdout)));
  if (tasks.length === limit && io.stderr.isTTY) {
    await io.stderr.write(
      `The newest ${limit}; more with --limit N, or fewer with --status, --agent, --label.\n`,
    );
  }
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

/** `task retry`: creates a new task with the request of an ended one. */
export async function retryTask(
  id: string,
  options: ConnectionOptions & JsonOption & { readonly idempotencyKey?: string; readonly watch?: boolean },
  io: Io,
): Promise<ExitCode> {
  const { idempotencyKey, watch, json } = options;
  return withClient(io, options, async (client) => {
    const old = await wholeTaskId(client, id, io);
    const task = await client.tasks.retry(old, idempotencyKey === undefined ? {} : { idempotencyKey });
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
