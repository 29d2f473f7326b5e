import type { StalenessFilter, TaskStaleness } from "#client/index";
import { limits } from "#limits/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ALL } from "../options.js";
import type { JsonOption } from "../task/task.js";
import { colorsFor, duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

type StalenessOptions = ConnectionOptions &
  JsonOption &
  Pick<StalenessFilter, "health"> & { readonly limit: number };

/** `dlq staleness`: prints tasks that have not ended, the newest first, with how long they have rested. */
export async function showStaleness(options: StalenessOptions, io: Io): Promise<ExitCode> {
  const { json, limit, health, namespace } = options;
  const filter = {
    // A page is what is looked at, of which a filter may leave nothing.
    pageSize: health === undefined ? Math.min(limit, limits.stalePage) : limits.stalePage,
    ...(health !== undefined && { health }),
  };
  const found: TaskStaleness[] = [];
  await withClient(io, options, async ({ deadLetters }) => {
    let left = limit;
    for await (const each of deadLetters.staleness(filter)) {
      if (json) await io.stdout.write(line(each));
      else found.push(each);
      left -= 1;
      if (left === 0) return;
    }
  });
  if (json) return exit.ok;
  if (found.length > 0) await io.stdout.write(stalenessTable(found, io, namespace === ALL));
  else await io.stderr.write(`No task ${health === undefined ? "is at work or waits" : `is ${health}`}.\n`);
  return exit.ok;
}

function stalenessTable(tasks: readonly TaskStaleness[], io: Io, withNamespace: boolean): string {
  const { red, yellow } = colorsFor(io.stdout, io);
  const columns: Column<TaskStaleness>[] = [
    { title: "TASK", cell: ({ taskId }) => taskId },
    {
      title: "HEALTH",
      cell: ({ health }) => health,
      paint: (cell, { health }) => {
        if (health === "STALE") return red(cell);
        return health === "WARNING" ? yellow(cell) : cell;
      },
    },
    { title: "STATE", cell: ({ state }) => state },
    { title: "FOR", cell: ({ timeInStateMs }) => duration(timeInStateMs) },
    { title: "OF", cell: ({ thresholdMs }) => duration(thresholdMs) },
    { title: "AGE", cell: ({ ageMs }) => duration(ageMs), optional: true },
    { title: "PRIORITY", cell: ({ priority }) => String(priority), optional: true },
    { title: "STEP", cell: ({ stepName }) => stepName || "-", least: 8, optional: true },
    { title: "AGENT", cell: ({ agent }) => agent || "-", least: 8, optional: true },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 9, optional: !withNamespace },
  ];
  return table(columns, tasks, layoutWidth(io.stdout));
}
