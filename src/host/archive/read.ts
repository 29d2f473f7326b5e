import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { type ArchiveLine, FORMAT, lineIn, VERSION } from "./lines.js";

/** The reason of a Fault: an export is not what was written, was cut off, or is of a later release. */
export const EXPORT_DAMAGED = "EXPORT_DAMAGED";

export interface NumberedLine {
  /** Counts the lines of the file from 1. */
  readonly number: number;
  readonly line: ArchiveLine;
}

/**
 * Yields the lines of an export, checked: that each is what was written, and that none is missing at either end. Those within a Task
 * are counted by whoever reads its group.
 *
 * @param name of the file, for messages
 * @throws {Fault} reason `EXPORT_DAMAGED`, naming file and line
 */
export async function* readLines(
  name: string,
  parts: AsyncIterable<Uint8Array>,
): AsyncGenerator<NumberedLine> {
  let number = 0;
  let isWhole = false;
  for await (const text of splitLines(name, parts)) {
    number += 1;
    if (isWhole) throw damagedAt(name, number, "something follows its end");
    const line = lineIn(text);
    if (!line) throw damagedAt(name, number, "it is not what was written, or was cut off");
    if (number === 1) checkHeader(name, line);
    isWhole = line.type === "whole";
    yield { number, line };
  }
  if (!isWhole) throw damagedAt(name, number + 1, "the file ends before its end: it was cut off");
}

export function damagedAt(name: string, number: number, what: string): Fault {
  return new Fault("invalid", `${name}, line ${number}: ${what}`, { reason: EXPORT_DAMAGED });
}

function checkHeader(name: string, line: ArchiveLine): void {
  if (line.type !== "header" || line.format !== FORMAT)
    throw damagedAt(name, 1, "it is no export: `taskrun export` makes them");
  if (line.version > VERSION)
    throw damagedAt(
      name,
      1,
      `it has the format ${line.version}, made by a later release; this one knows ${VERSION}`,
    );
}

async function* splitLines(name: string, parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  let bytes = 0;
  let number = 1;
  for await (const part of parts) {
    let from = 0;
    for (let end = part.indexOf(LINE_FEED); end >= 0; end = part.indexOf(LINE_FEED, from)) {
      yield Buffer.concat([...begun, part.subarray(from, end)]).toString("utf8");
      [begun, bytes, from] = [[], 0, end + 1];
      number += 1;
    }
    begun.push(part.subarray(from));
    bytes += part.length - from;
    if (bytes > limits.exportLineBytes)
      throw damagedAt(
        name,
        number,
        `it is longer than ${limits.exportLineBytes} bytes, the most that one has`,
      );
  }
  if (bytes > 0) yield Buffer.concat(begun).toString("utf8");
}

const LINE_FEED = 0x0a;
