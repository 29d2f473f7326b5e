import { oneLine } from "./sanitizer.js";

/** A column of a table; `paint` colours a cell that has been cut to its width. */
export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
  paint?(cell: string, row: Row): string;
}

const GAP = "  ";

/**
 * Formats a table: columns as wide as their widest cell, lines cut to `width` if it is given.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.cell(row))));
  const widths = columns.map(({ title }, i) =>
    Math.max(displayWidth(title), ...cells.map((line) => displayWidth(line[i] ?? ""))),
  );

  const line = (texts: readonly string[], paint: (text: string, i: number) => string): string => {
    let room = width ?? Number.POSITIVE_INFINITY;
    const painted = texts.map((text, i) => {
      const cut = truncate(text, Math.max(room, 0));
      room -= (widths[i] ?? 0) + GAP.length;
      const padding = i === texts.length - 1 ? "" : " ".repeat((widths[i] ?? 0) - displayWidth(text));
      return paint(cut, i) + padding;
    });
    return painted.join(GAP).trimEnd();
  };
  const heading = line(
    columns.map(({ title }) => title),
    (text) => text,
  );
  const body = rows.map((row, r) =>
    line(cells[r] ?? [], (text, i) => columns[i]?.paint?.(text, row) ?? text),
  );
  return [heading, ...body].map((text) => `${text}\n`).join("");
}

/** Cuts the end of a text to fit a width, marked by `…`. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    cut += char;
  }
  return width < 1 ? "" : `${cut}…`;
}

/** Cuts the beginning of a text to fit a width, marked by `…`. */
export function truncateStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  let used = 1;
  for (const char of [...text].reverse()) {
    used += charWidth(char);
    if (used > width) break;
    kept = char + kept;
  }
  return width < 1 ? "" : `…${kept}`;
}

/** Returns the number of terminal columns of a text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** CJK characters, full-width forms and emoji, which take two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
/** Combining marks and format characters, which take no column. */
const none = /[\p{Mn}\p{Me}\p{Cf}]/u;

function charWidth(char: string): number {
  if (char < "\u0300") return 1;
  if (none.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}
