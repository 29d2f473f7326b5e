import picocolors from "picocolors";
import type { Worker } from "#client/index";
import type { Io, Sink } from "./io.js";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Returns colours for a terminal; none for a pipe, if `NO_COLOR` is set, or if the terminal is dumb. */
export function colorsFor(sink: Sink, { env }: Pick<Io, "env">): Colors {
  return picocolors.createColors(sink.isTTY && !env.NO_COLOR && env.TERM !== "dumb");
}

/** The status of a worker, and whether it is paused. */
export function workerStatusText({ status, pause }: Pick<Worker, "status" | "pause">): string {
  return pause ? `${status}, paused` : status;
}

/** Colours the status of a task, run or worker. */
export function paintStatus(colors: Colors, status: string): string {
  switch (status) {
    case "COMPLETED":
    case "IDLE":
      return colors.green(status);
    case "FAILED":
    case "ERROR":
      return colors.red(status);
    case "CANCELLED":
    case "DRAINING":
      return colors.yellow(status);
    case "RUNNING":
    case "BUSY":
      return colors.cyan(status);
    default:
      return status;
  }
}

/** Colours a node's state. */
export function paintNode(colors: Colors, state: string): string {
  if (state === "live") return colors.green(state);
  if (state === "lost") return colors.red(state);
  return state === "draining" ? colors.yellow(state) : colors.dim(state);
}

/** Colours a step's state. */
export function paintState(colors: Colors, state: string, text = state): string {
  switch (state) {
    case "complete":
    case "resolved_manually":
      return colors.green(text);
    case "error":
      return colors.red(text);
    case "cancelled":
    case "waiting_for_retry":
      return colors.yellow(text);
    case "in_progress":
      return colors.cyan(text);
    case "pending":
      return colors.dim(text);
    default:
      return text;
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Formats milliseconds: `850 ms`, `1.2 s`, `2m 05s`, `3h 04m`, `5d 3h`. */
export function duration(ms: number): string {
  const two = (count: number) => String(Math.floor(count)).padStart(2, "0");
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)}m ${two((ms % MINUTE) / SECOND)}s`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}h ${two((ms % HOUR) / MINUTE)}m`;
  return `${Math.floor(ms / DAY)}d ${Math.floor((ms % DAY) / HOUR)}h`;
}

/** Formats the time from start to end; empty if either is not set. */
export function took(startMs: number, endMs: number): string {
  return startMs === 0 || endMs === 0 ? "" : duration(endMs - startMs);
}

/** Formats Unix milliseconds in ISO 8601, or as a number if no date has them. */
export function dateText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms after 1970` : date.toISOString();
}

export function ago(ms: number, now: number): string {
  return ms === 0 ? "-" : `${duration(now - ms)} ago`;
}

/** `team=ops tier=2`, sorted by name; `-` if there are none. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return pairs.sort().join(" ") || "-";
}
