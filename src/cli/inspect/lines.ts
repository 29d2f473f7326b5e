import { label } from "#inspect/view/names";
import type { Row } from "#inspect/view/timeline";
import { clockText } from "#inspect/view/times";
import { oneLine } from "../terminal/sanitizer.js";

/** An event on a line: when, who, by which message, and what has changed. */
export function eventLine(row: Row): string {
  return [timeOf(row), whoOf(row), whatOf(row), oneLine(row.change)].filter((text) => text !== "").join("  ");
}

export function timeOf({ at }: Row): string {
  return clockText(at, true);
}

export function whoOf({ kind, from, to }: Row): string {
  if (kind === "note") return "";
  const isSent = kind === "message" && from !== "" && from !== to;
  return oneLine(isSent ? `${label(from)} → ${label(to)}` : label(to));
}

export function whatOf({ kind, message }: Row): string {
  return kind === "created" ? "created" : oneLine(message);
}
