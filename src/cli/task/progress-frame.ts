import type { Step, Task } from "#client/index";
import { limits } from "#limits/index";
import { nameOf } from "../template/name.js";
import { type Colors, duration, paintState, paintStatus } from "../terminal/format.js";
import { oneLine } from "../terminal/sanitizer.js";
import { displayWidth, truncate, truncateStart } from "../terminal/table.js";
import type { ProgressView } from "./progress-view.js";
import { lastedSoFar, triesOf } from "./step-table.js";

/** The terminal that a frame is drawn for. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly colors: Colors;
}

const GAP = "  ";

type Paint = (text: string) => string;
type Cell = readonly [text: string, paint?: Paint];

const marks: Readonly<Record<string, string>> = {
  pending: "·",
  enqueued: "○",
  in_progress: "●",
  waiting_for_retry: "↻",
  complete: "✓",
  resolved_manually: "✓",
  error: "✗",
  cancelled: "-",
};

/**
 * Renders a task as lines: a heading, then a line for each step. The lines leave room for the cursor's line. If there are
 * more steps than lines, active ones are preferred and the rest are counted.
 */
export function frame(view: ProgressView, canvas: Canvas): readonly string[] {
  const { steps, task } = view;
  const room = Math.max(canvas.rows - 2, 1);
  const shown = steps.length <= room ? steps : mostTelling(steps, Math.max(room - 1, 1));
  const lines = stepLines(shown, view, canvas);
  return [heading(task, steps, canvas), ...lines, ...restLine(steps, shown, canvas)];
}

function heading(task: Task, steps: readonly Step[], { columns, now, colors }: Canvas): string {
  const end = task.finishedAtMs > 0 ? task.finishedAtMs : now;
  const done = steps.filter(({ state }) => state === "complete" || state === "resolved_manually").length;
  const what = task.template ? nameOf(task.template) : task.agent;
  return joined(
    [
      [task.status, (text) => (text === task.status ? paintStatus(colors, text) : text)],
      [`${done}/${steps.length} done`],
      [duration(end - task.createdAtMs)],
      [oneLine(what), colors.bold],
      [oneLine(task.id)],
    ],
    columns,
  );
}

/** Renders a line for each step, in aligned columns. */
function stepLines(steps: readonly Step[], view: ProgressView, canvas: Canvas): readonly string[] {
  const { columns, now, colors } = canvas;
  const nameWidth = Math.min(limits.shownNameChars, Math.floor(columns / 3));
  const texts = steps.map((step) => {
    const { name, state, attempts, losses } = step;
    return [
      truncate(oneLine(name), nameWidth),
      state.replaceAll("_", " "),
      lastedSoFar(step, now),
      attempts > 1 || losses > 0 || state === "waiting_for_retry" ? triesOf(step) : "",
    ];
  });
  const widths = [0, 1, 2, 3].map((i) => Math.max(...texts.map((row) => displayWidth(row[i] ?? ""))));

  return steps.map((step, i) => {
    const paint: Paint = (text) => paintState(colors, step.state, text);
    const [name = "", state = "", time = "", tries = ""] = (texts[i] ?? []).map((text, c) =>
      pad(text, widths[c] ?? 0),
    );
    const mark = paint(marks[step.state] ?? "●");
    const cells: Cell[] = [[name], [state, paint], [time], ...(tries === "" ? [] : [[tries] as const])];
    const used = cells.reduce((sum, [text]) => sum + displayWidth(text) + GAP.length, 0);
    const left = columns - 2; // the mark and its gap
    return `${mark} ${joined([...cells, remark(step, view, left - 1 - used, canvas)], left)}`;
  });
}

/** Returns the reason for a step's state, cut at its end, or else its latest output, cut at its beginning. */
function remark(step: Step, view: ProgressView, room: number, { now, colors }: Canvas): Cell {
  const why = whyThere(step, now);
  const width = Math.max(room, 0);
  return why === "" ? [truncateStart(view.remarkOf(step.name), width), colors.dim] : [truncate(why, width)];
}

/** Explains a step's state; empty if its output is more useful. */
function whyThere(step: Step, now: number): string {
  const { state, type, agent, errorMessage, nextAttemptAtMs, childTaskId } = step;
  switch (state) {
    case "error":
      return oneLine(errorMessage);
    case "waiting_for_retry":
      return `retry in ${duration(nextAttemptAtMs - now)}: ${oneLine(errorMessage) || "no reason given"}`;
    case "enqueued":
      return agent === "" ? "" : `waits for a worker that runs ${oneLine(agent)}`;
    case "in_progress":
      if (childTaskId !== "") return `is task ${oneLine(childTaskId)}`;
      return type === "signal" ? "waits for a signal" : "";
    default:
      return "";
  }
}

/** Order of preference when there are more steps than lines: lower ranks first. */
const ranks: Readonly<Record<string, number>> = {
  in_progress: 0,
  waiting_for_retry: 1,
  error: 2,
  enqueued: 3,
  complete: 4,
  resolved_manually: 4,
  cancelled: 5,
  pending: 6,
};

function mostTelling(steps: readonly Step[], count: number): readonly Step[] {
  const rank = ({ state }: Step) => ranks[state] ?? 0;
  // Recently finished steps come first; the sort is stable.
  const sorted = [...steps].sort((a, b) => rank(a) - rank(b) || b.finishedAtMs - a.finishedAtMs);
  const chosen = new Set(sorted.slice(0, count));
  return steps.filter((step) => chosen.has(step));
}

function restLine(steps: readonly Step[], shown: readonly Step[], { columns, colors }: Canvas): string[] {
  if (shown.length === steps.length) return [];
  const seen = new Set(shown);
  const counts = new Map<string, number>();
  for (const { state } of steps.filter((step) => !seen.has(step)))
    counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) => `${count} ${state.replaceAll("_", " ")}`);
  const text = `… and ${steps.length - shown.length} more: ${parts.join(", ")}`;
  return [joined([[text, colors.dim]], columns)];
}

/** Joins cells and cuts the line before the last column, where some terminals would wrap it. */
function joined(cells: readonly Cell[], columns: number): string {
  let room = columns - 1;
  const painted = cells.map(([text, paint = (same: string) => same]) => {
    const cut = truncate(text, Math.max(room, 0));
    room -= displayWidth(text) + GAP.length;
    return cut.trim() === "" ? cut : paint(cut);
  });
  return painted.join(GAP).trimEnd();
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(width - displayWidth(text), 0));
}
