import type { ChartState } from "#inspect/view/machine";
import { activeStates } from "#inspect/view/machine";
import { label, type Tone, toneOf } from "#inspect/view/names";
import { situationLines, situationsOf } from "#inspect/view/situation";
import type { Row, Timeline } from "#inspect/view/timeline";
import { type TreeRow, treeRows } from "#inspect/view/tree";
import type { Actor, World } from "#inspect/view/world";
import type { Colors } from "../terminal/format.js";
import { oneLine } from "../terminal/sanitizer.js";
import { displayWidth, truncate } from "../terminal/table.js";
import { timeOf, whatOf, whoOf } from "./lines.js";

export interface Shown {
  readonly timeline: Timeline;
  readonly taskId: string;
  /** Index of the message that has happened last; undefined for the newest. */
  readonly cursor: number | undefined;
  /** True if all of the Task's log is there. */
  readonly hasEnded: boolean;
}

export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly colors: Colors;
}

type Paint = (text: string) => string;

const KEYS = "→ next   ← back   space play   End newest   q quit";
const plain: Paint = (text) => text;

/** The inspector's screen: what the Task waits for, the tree beside the chart, and the messages up to the current one. */
export function inspectFrame(
  { timeline, taskId, cursor, hasEnded }: Shown,
  canvas: Canvas,
): readonly string[] {
  const { columns, rows: height, colors, now } = canvas;
  const { rows } = timeline;
  const at = cursor ?? rows.length - 1;
  const row = rows[at];
  const world = cursor === undefined ? timeline.world : timeline.worldAt(row?.upTo ?? 0);
  const width = columns - 1;
  const place = `${at + 1} of ${rows.length}${cursor === undefined ? (hasEnded ? " · ended" : " · live") : ""}`;
  const head = [bold(colors, spread(`Task ${oneLine(taskId)}`, place, width))];
  // Going back, the clock stands where the message was.
  const situation = situationLines(
    situationsOf(taskId, world),
    cursor === undefined ? now : (row?.at ?? now),
  );
  head.push(...situation.map((text) => truncate(oneLine(text), width)), "");

  const left = height - head.length - 2;
  const middle = Math.max(Math.ceil(left * 0.6), 3);
  const actor = world.get(row?.to ?? "") ?? world.get(`task:${taskId}`);
  const body = beside(
    treeLines(world, taskId, actor, middle, colors),
    chartLines(actor, row, middle, colors),
    width,
  );
  const messages = messageLines(rows, at, Math.max(left - body.length - 1, 1), width, colors);
  const lines = [...head, ...body, colors.dim("─".repeat(Math.max(width, 1))), ...messages];
  const room = Math.max(height - 1, 1);
  const filled = [...lines.slice(0, room), ...Array<string>(Math.max(room - lines.length, 0)).fill("")];
  return [...filled, colors.dim(truncate(KEYS, width))];
}

const marks: Readonly<Record<Tone, string>> = {
  running: "●",
  waiting: "○",
  failed: "✗",
  done: "✓",
  idle: "·",
};

function paintOf(colors: Colors, tone: Tone): Paint {
  const paints: Readonly<Record<Tone, Paint>> = {
    running: colors.cyan,
    waiting: colors.yellow,
    failed: colors.red,
    done: colors.green,
    idle: colors.dim,
  };
  return paints[tone];
}

interface Line {
  readonly text: string;
  readonly paint: Paint;
}

/** The Task with its Steps and Runs, around the one that the current message is for. */
function treeLines(
  world: World,
  taskId: string,
  actor: Actor | undefined,
  most: number,
  colors: Colors,
): readonly Line[] {
  const all = treeRows(world, { task: taskId, toggled: new Set() });
  const rows = all.filter((row): row is TreeRow & { type: "actor" } => row.type === "actor");
  const focus = Math.max(
    rows.findIndex(({ id }) => id === actor?.id),
    0,
  );
  const first = Math.max(Math.min(focus - Math.floor(most / 2), rows.length - most), 0);
  return rows.slice(first, first + most).map(({ id, depth, name, state, tone }) => {
    const isCurrent = id === actor?.id;
    const text = `${isCurrent ? "▸" : " "} ${"  ".repeat(depth)}${marks[tone]} ${oneLine(name)}  ${oneLine(state)}`;
    const paint = paintOf(colors, tone);
    return { text, paint: isCurrent ? (line) => colors.bold(paint(line)) : paint };
  });
}

/** The states of an actor's machine, the current ones marked, with the message that led there. */
function chartLines(
  actor: Actor | undefined,
  row: Row | undefined,
  most: number,
  colors: Colors,
): readonly Line[] {
  const { machine } = actor ?? {};
  if (!actor || !machine) return [];
  const active = activeStates(machine, actor.snapshot.value);
  const lines: Line[] = [{ text: oneLine(label(actor.id)), paint: colors.bold }];
  const add = (states: readonly ChartState[], depth: number): void => {
    for (const { id, key, states: below, kind } of states) {
      const isActive = active.has(id) && below.length === 0;
      const by =
        isActive && row && row.kind === "message" && row.to === actor.id ? `  ← ${oneLine(row.message)}` : "";
      const mark = isActive ? "◉" : below.length > 0 ? "▾" : kind === "final" ? "◌" : "○";
      const text = `${"  ".repeat(depth)}${mark} ${oneLine(key)}${by}`;
      lines.push({ text, paint: isActive ? paintOf(colors, toneOf(actor)) : colors.dim });
      add(below, depth + 1);
    }
  };
  add(machine.root.states, 0);
  if (lines.length <= most) return lines;
  const current = lines.findIndex(({ text }) => text.includes("◉"));
  const first = Math.max(Math.min(current - Math.floor(most / 2), lines.length - most), 0);
  return lines.slice(first, first + most);
}

/** The messages before the current one, and those after it. */
function messageLines(
  rows: readonly Row[],
  at: number,
  most: number,
  width: number,
  colors: Colors,
): readonly string[] {
  const after = Math.min(Math.floor(most / 3), rows.length - 1 - at);
  const first = Math.max(at - (most - after) + 1, 0);
  const shown = rows.slice(first, first + most);
  const whoWidth = Math.min(
    Math.max(...shown.map((row) => displayWidth(whoOf(row))), 0),
    Math.floor(width * 0.4),
  );
  return shown.map((row, i) => {
    const isCurrent = first + i === at;
    const cells = [
      timeOf(row),
      pad(truncate(whoOf(row), whoWidth), whoWidth),
      whatOf(row),
      oneLine(row.change),
    ];
    const text = truncate(
      `${isCurrent ? "▸" : " "} ${cells.filter((cell) => cell !== "").join("  ")}`,
      width,
    );
    const paint = isCurrent ? colors.bold : first + i > at ? colors.dim : plain;
    return paint(text);
  });
}

/** Two blocks beside one another; one below the other where there is no room. */
function beside(left: readonly Line[], right: readonly Line[], width: number): readonly string[] {
  const leftWidth = Math.floor(width * 0.55);
  if (width < SIDE_BY_SIDE_MIN) return left.map(({ text, paint }) => paint(truncate(text, width)));
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const { text = "", paint = plain } = left[i] ?? {};
    const { text: other = "", paint: paintOther = plain } = right[i] ?? {};
    return `${paint(pad(truncate(text, leftWidth), leftWidth))} ${paintOther(truncate(other, width - leftWidth - 1))}`;
  });
}

/** Narrower than this, a chart beside the tree leaves neither room. */
const SIDE_BY_SIDE_MIN = 64;

function spread(left: string, right: string, width: number): string {
  const room = width - displayWidth(right) - 1;
  return `${pad(truncate(left, room), room)} ${right}`;
}

function bold(colors: Colors, text: string): string {
  return colors.bold(text);
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(width - displayWidth(text), 0));
}
