import type { LogEntry } from "#domain/task/log";
import { limits } from "#limits/index";

/** One row of the log: how many lines, and the lines as a JSON array. */
export type Packed = readonly [count: number, entries: string];

/** One row for all lines of a commit, or as many as it takes for each to stay a small part of a read. */
export function packLog(entries: readonly LogEntry[]): Packed[] {
  if (entries.length === 0) return [];
  const text = JSON.stringify(entries);
  if (text.length <= limits.chunkBytes || entries.length === 1) return [[entries.length, text]];

  const half = Math.ceil(entries.length / 2);
  return [...packLog(entries.slice(0, half)), ...packLog(entries.slice(half))];
}
