import type { Task } from "#client/index";
import { limits } from "#limits/index";
import { withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ALL } from "../options.js";
import type { Io } from "../terminal/io.js";
import { line, taskJson } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { filterOf, type ListOptions } from "./filter-options.js";
import { spansNamespaces, taskTable } from "./task-table.js";

/** `task list`: prints the newest `limit` tasks that fit, or shows them for as long as somebody looks. */
export async function listTasks(options: ListOptions, io: Io): Promise<ExitCode> {
  if (options.watch) return (await import("./list-watch.js")).watchTasks(options, io);
  const { limit, json } = options;
  const tasks: Task[] = [];
  await withClient(io, options, async (client) => {
    const filter = await filterOf(options, client, io);
    let left = limit;
    for await (const task of client.tasks.list({
      ...filter,
      pageSize: Math.min(limit, limits.pageSizeMax),
    })) {
      if (json) await io.stdout.write(line(taskJson(task)));
      else tasks.push(task);
      left -= 1;
      if (left === 0) break;
    }
  });
  if (!json) await showTasks(tasks, options, io);
  return exit.ok;
}

async function showTasks(tasks: readonly Task[], { limit, namespace }: ListOptions, io: Io): Promise<void> {
  if (tasks.length === 0) return io.stderr.write("There are no matching tasks.\n");
  const withNamespace = namespace === ALL || spansNamespaces(tasks);
  await io.stdout.write(taskTable(tasks, io, { withNamespace, width: layoutWidth(io.stdout) }));
  if (tasks.length === limit && io.stderr.isTTY) {
    await io.stderr.write(
      `The newest ${limit}; more with --limit N, or fewer with --status, --agent, --waiting, --age and others.\n`,
    );
  }
}
