import type { Finding } from "#client/index";
import type { Colors } from "./format.js";
import { oneLine } from "./terminal-sanitizer.js";

/** What can be known of a finding without asking whether a server or this program has found it. */
export type Found = Pick<Finding, "code" | "severity" | "message" | "line" | "column">;

/** `file:line:column: severity CODE message`, as editors and terminals know to jump to; no place where there is none. */
export function findingLine(
  file: string,
  { code, severity, message, line, column }: Found,
  colors: Colors,
): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return `${oneLine(place)}: ${paint(severity, colors)} ${oneLine(`${code} ${message}`)}\n`;
}

function paint(severity: string, colors: Colors): string {
  switch (severity) {
    case "error":
      return colors.red(severity);
    case "warning":
      return colors.yellow(severity);
    default:
      return oneLine(severity);
  }
}
