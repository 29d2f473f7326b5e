import type { Overview, Pause, QueueOverview, Task, TaskRates, Worker } from "#client/index";
import { timeOf } from "#domain/id-time";
import { limits } from "#limits/index";
import { pauseColumns } from "../pause/pause-table.js";
import { shortIds } from "../task/short-id.js";
import { ago, type Colors, duration, labelText, paintStatus, workerStatusText } from "../terminal/format.js";
import { type Column, ERROR_LEAST, table, truncate } from "../terminal/table.js";

/** What `top` shows of one moment. */
export interface Top {
  readonly overview: Overview;
  /** Undefined if the caller may not see them. */
  readonly workers: readonly Worker[] | undefined;
  /** Undefined if the caller may not see them. */
  readonly pauses: readonly Pause[] | undefined;
  /** Those that wait for anything, the first created first. */
  readonly waiting: readonly Task[];
}

export interface Canvas {
  readonly rows: number;
  /** Undefined for any. */
  readonly columns: number | undefined;
  /** Unix milliseconds. */
  readonly now: number;
  readonly colors: Colors;
}

/** A part of the screen: a title, and the lines of a table, or a sentence where there is nothing. */
interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/** The lines of `top`. Where rows are few, every part gives up its last ones. */
export function topFrame(top: Top, canvas: Canvas): readonly string[] {
  const { overview, workers, pauses, waiting } = top;
  const { colors } = canvas;
  const sections = [
    section("WORKERS", workers, (all) => workerSection(all, canvas)),
    ...(pauses?.length === 0 ? [] : [section("PAUSED", pauses, (all) => pauseSection(all, canvas))]),
    section("QUEUES", overview.queues, () => queueSection(overview, canvas)),
    section("WAITING", waiting, (all) => waitingSection(all, canvas)),
    section("FAILED LAST", overview.failed, (all) => failedSection(all, canvas)),
  ];
  const head = ratesLine(overview.rates);
  const room = canvas.rows - 1 - 2 * sections.length;
  const shares = sharesOf(
    sections.map(({ lines }) => lines.length),
    Math.max(room, sections.length),
  );
  const body = sections.flatMap(({ title, lines }, i) => {
    const shown = lines.slice(0, shares[i]);
    const left = lines.length - shown.length;
    return ["", colors.bold(left > 0 ? `${title}, ${left} more` : title), ...shown];
  });
  return [cut(head, canvas.columns), ...body].slice(0, canvas.rows);
}

function section<T>(
  title: string,
  rows: readonly T[] | undefined,
  lines: (rows: readonly T[]) => readonly string[],
): Section {
  if (rows === undefined) return { title, lines: ["not shown: the credential may not see them"] };
  return { title, lines: rows.length === 0 ? ["none"] : lines(rows) };
}

/** How many lines each part gets: what it needs, if there is room; else what the smaller ones leave, evenly. */
export function sharesOf(needs: readonly number[], room: number): readonly number[] {
  const shares = needs.map(() => 0);
  let left = room;
  while (left > 0 && shares.some((share, i) => share < (needs[i] ?? 0))) {
    for (const [i, need] of needs.entries()) {
      if (left === 0 || (shares[i] ?? 0) >= need) continue;
      shares[i] = (shares[i] ?? 0) + 1;
      left -= 1;
    }
  }
  return shares;
}

/** `Created 12.5/s   completed 11.9/s   failed 0.1/s   cancelled 0/s   over 10.0 s`. */
function ratesLine({ windowMs, created, completed, failed, cancelled, isLeast }: TaskRates): string {
  const per = (count: number) => {
    const rate = windowMs === 0 ? 0 : (count * 1_000) / windowMs;
    return `${isLeast ? "≥" : ""}${rate === 0 || rate >= 100 ? Math.round(rate) : rate.toFixed(1)}/s`;
  };
  const rates = [
    `created ${per(created)}`,
    `completed ${per(completed)}`,
    `failed ${per(failed)}`,
    `cancelled ${per(cancelled)}`,
  ];
  return `Tasks: ${rates.join("   ")}   over ${duration(windowMs)}`;
}

function workerSection(workers: readonly Worker[], { now, columns, colors }: Canvas): readonly string[] {
  const sum = (of: (worker: Worker) => number) => workers.reduce((total, worker) => total + of(worker), 0);
  const busiest = workers.toSorted((a, b) => b.activeRuns - a.activeRuns || (a.id < b.id ? -1 : 1));
  const draining = workers.filter(({ status }) => status === "DRAINING").length;
  const facts = [
    `${workers.length} connected`,
    `${sum(({ activeRuns }) => activeRuns)} of ${sum(({ maxConcurrentRuns }) => maxConcurrentRuns)} slots busy`,
    ...(draining > 0 ? [`${draining} draining`] : []),
  ];
  const shape: Column<Worker>[] = [
    { title: "WORKER", cell: ({ id }) => id },
    { title: "STATUS", cell: workerStatusText, paint: (status) => paintStatus(colors, status) },
    { title: "RUNS", cell: ({ activeRuns, maxConcurrentRuns }) => `${activeRuns}/${maxConcurrentRuns}` },
    { title: "HEARD", cell: ({ lastHeartbeatMs }) => ago(lastHeartbeatMs, now) },
    { title: "AGENTS", cell: ({ agents }) => agents.map(({ name }) => name).join(" "), least: 12 },
  ];
  return [cut(facts.join(", "), columns), ...linesOf(shape, busiest, columns)];
}

function pauseSection(pauses: readonly Pause[], { now, columns }: Canvas): readonly string[] {
  const [scope, ...facts] = pauseColumns(now);
  return linesOf(scope ? [{ ...scope, title: "WHAT" }, ...facts] : facts, pauses, columns);
}

function queueSection({ queues, moreQueues }: Overview, { now, columns }: Canvas): readonly string[] {
  const most = limits.overviewWaiting;
  const shape: Column<QueueOverview>[] = [
    { title: "AGENT", cell: ({ agent }) => agent },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 9 },
    { title: "READY", cell: ({ waiting }) => (waiting < most ? String(waiting) : `${most}+`) },
    { title: "FIRST CREATED", cell: ({ firstTaskId }) => ago(timeOf(firstTaskId) ?? 0, now), optional: true },
    { title: "FIRST TASK", cell: ({ firstTaskId }) => firstTaskId, least: 13, optional: true },
    { title: "SELECTOR", cell: ({ selector }) => labelText(selector), least: 8, optional: true },
  ];
  const more = moreQueues > 0 ? [`and ${moreQueues} more queues`] : [];
  return [...linesOf(shape, queues, columns), ...more];
}

function waitingSection(tasks: readonly Task[], { now, columns }: Canvas): readonly string[] {
  return linesOf(
    [
      ...taskColumns(tasks),
      { title: "AGE", cell: ({ createdAtMs }) => duration(now - createdAtMs) },
      { title: "WAITS FOR", cell: ({ waitingReason }) => waitingReason, least: ERROR_LEAST },
    ],
    tasks,
    columns,
  );
}

function failedSection(tasks: readonly Task[], { now, columns }: Canvas): readonly string[] {
  return linesOf(
    [
      ...taskColumns(tasks),
      { title: "FAILED", cell: ({ finishedAtMs }) => ago(finishedAtMs, now) },
      { title: "ERROR", cell: ({ errorMessage }) => errorMessage, least: ERROR_LEAST },
    ],
    tasks,
    columns,
  );
}

function taskColumns(tasks: readonly Task[]): Column<Task>[] {
  const short = shortIds(tasks.map(({ id }) => id));
  return [
    { title: "TASK", cell: ({ id }) => id, short: ({ id }) => short.get(id) ?? id },
    { title: "NAMESPACE", cell: ({ namespace }) => namespace, least: 9, optional: true },
    { title: "AGENT", cell: ({ agent, template }) => agent || (template?.name ?? "-"), least: 8 },
  ];
}

function linesOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number | undefined,
): readonly string[] {
  return table(columns, rows, width === undefined ? undefined : width - 1)
    .trimEnd()
    .split("\n");
}

function cut(text: string, columns: number | undefined): string {
  return columns === undefined ? text : truncate(text, columns - 1);
}
