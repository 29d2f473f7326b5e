import type { Finding } from "#client/index";
import type { Colors } from "../terminal/format.js";
import { oneLine } from "../terminal/sanitizer.js";

/** The common fields of the findings of a server and of this program. */
export type Found = Pick<Finding, "code" | "severity" | "message" | "line" | "column">;

/** Formats a finding as `file:line:column: severity CODE message`, a form that editors can follow. */
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
