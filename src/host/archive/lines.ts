import { crc32 } from "node:zlib";
import type { TaskId } from "#domain/id";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { LogEntry } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { rowKindOfLine, type TextLineType, textKindOfLine } from "./parts.js";

/**
 * The lines of an export: JSON documents, each with a checksum of its own as its last member. A file begins with a `header` and
 * ends with `whole`; between them each Task is a group of lines that begins with `task` and ends with `end`.
 */
export type ArchiveLine =
  | {
      readonly type: "header";
      readonly format: typeof FORMAT;
      readonly version: number;
      readonly madeAt: number;
    }
  | { readonly type: "task"; readonly row: TaskRow }
  /** Texts are JSON as its sender wrote it, within a JSON string: digits and spaces stay what they were. */
  | { readonly type: "input"; readonly json: string }
  | { readonly type: Exclude<TextLineType, "input">; readonly stepName: string; readonly json: string }
  | { readonly type: "step"; readonly row: StepRow }
  | { readonly type: "run"; readonly row: Omit<RunRow, "node"> }
  | { readonly type: "deadLetter"; readonly row: DeadLetterRow }
  | { readonly type: "log"; readonly firstSeq: number; readonly entries: readonly LogEntry[] }
  | { readonly type: "end"; readonly taskId: TaskId; readonly lastSeq: number; readonly lines: number }
  | { readonly type: "whole"; readonly tasks: number };

export const FORMAT = "taskrun-export";
/** Counted up when a reader of before would misread a file, or pass over a part of it. Files of all versions before are read. */
export const VERSION = 2;

/** The types of lines beside those of the parts of Tasks. */
const frame: readonly string[] = ["header", "task", "log", "end", "whole"] satisfies ArchiveLine["type"][];

const TAIL = /,"crc":"([0-9a-f]{8})"\}$/;
const TAIL_CHARS = ',"crc":"00000000"}'.length;

/** One line, with its line feed. */
export function textOf(line: ArchiveLine): string {
  const text = JSON.stringify(line).slice(0, -1);
  return `${text},"crc":"${sumOf(text)}"}\n`;
}

/** The line in a text without line feed; undefined if it is damaged, or of a kind that is not known here. */
export function lineIn(text: string): ArchiveLine | undefined {
  const sum = TAIL.exec(text.slice(-TAIL_CHARS))?.[1];
  const content = text.slice(0, -TAIL_CHARS);
  if (sum === undefined || sumOf(content) !== sum) return undefined;
  try {
    const line: ArchiveLine = JSON.parse(`${content}}`);
    return isKnown(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function isKnown({ type }: ArchiveLine): boolean {
  return frame.includes(type) || rowKindOfLine.has(type) || textKindOfLine.has(type);
}

function sumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
