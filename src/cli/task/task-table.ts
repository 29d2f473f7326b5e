import type { Task } from "#client/index";
import { ago, type Colors, colorsFor, paintStatus, took } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { type Column, ERROR_LEAST, table } from "../terminal/table.js";
import { shortIds } from "./short-id.js";

/** What a table of tasks shows beside what each has. */
export interface TableOptions {
  /** True if tasks of several namespaces may be in it. */
  readonly withNamespace: boolean;
  /** Default: as wide as its content. */
  readonly width?: number | undefined;
}

/** A table of tasks: what they wait for has a column only where one waits. */
export function taskTable(tasks: readonly Task[], io: Io, { withNamespace, width }: TableOptions): string {
  const short = shortIds(tasks.map(({ id }) => id));
  const waits = tasks.some(({ waitingReason }) => waitingReason !== "");
  const columns: Column<Task>[] = [
    { title: "TASK", cell: ({ id }) => id, short: ({ id }) => short.get(id) ?? id },
    ...(withNamespace ? [{ title: "NAMESPACE", cell: ({ namespace }: Task) => namespace, least: 9 }] : []),
    ...lifeColumns(colorsFor(io.stdout, io), io.now()),
    ...(waits
      ? [{ title: "WAITS FOR", cell: ({ waitingReason }: Task) => waitingReason, least: ERROR_LEAST }]
      : []),
    { title: "ERROR", cell: ({ errorMessage }) => errorMessage, least: ERROR_LEAST },
  ];
  return table(columns, tasks, width);
}

function lifeColumns(colors: Colors, now: number): Column<Task>[] {
  return [
    { title: "STATUS", cell: ({ status }) => status, paint: (status) => paintStatus(colors, status) },
    { title: "AGENT", cell: ({ agent, template }) => agent || (template?.name ?? "-"), least: 8 },
    { title: "CREATED", cell: ({ createdAtMs }) => ago(createdAtMs, now), optional: true },
    {
      title: "TOOK",
      cell: ({ createdAtMs, finishedAtMs }) => took(createdAtMs, finishedAtMs),
      optional: true,
    },
  ];
}

/** True if the tasks are of several namespaces, so that a table without it would not say which is which. */
export function spansNamespaces(tasks: readonly Task[]): boolean {
  return new Set(tasks.map(({ namespace }) => namespace)).size > 1;
}
