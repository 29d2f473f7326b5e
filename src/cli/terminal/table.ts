import { placeColumns } from "./layout.js";
import { oneLine } from "./sanitizer.js";

/** A column of a table; `paint` colours a cell that has been cut to its width. */
export interface Column<Row> {
  readonly title: string;
  cell(row: Row): string;
  /** A shorter cell that says the same, for when the table is too wide. */
  short?(row: Row): string;
  paint?(cell: string, row: Row): string;
  /** The width to which cells may be cut when the table is too wide. Default: they are not. */
  readonly least?: number;
  /** True if the column is left out of a table that is too wide even when it is cut. */
  readonly optional?: boolean;
}

/** The least width of a column of errors: what a reader needs to know one by its beginning. */
export const ERROR_LEAST = 20;

const GAP = "  ";

/**
 * Formats a table: columns as wide as their widest cell. If `width` is given and that is too much, cells are shortened,
 * then cut, then columns left out, as far as the columns allow it; what is still too long is cut at the line's end, but
 * never in the first column.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width?: number): string {
  const whole = columns.map((column) => rows.map((row) => oneLine(column.cell(row))));
  const short = columns.map(({ short }, c) =>
    short ? rows.map((row) => oneLine(short(row))) : (whole[c] ?? []),
  );
  const sizes = columns.map(({ title, least, optional = false }, c) => ({
    whole: widest(title, whole[c] ?? []),
    short: widest(title, short[c] ?? []),
    least: least === undefined ? undefined : Math.max(least, displayWidth(title)),
    optional,
  }));
  const places = placeColumns(sizes, GAP.length, width);

  const line = (text: (c: number) => string, paint: (text: string, c: number) => string): string => {
    let room = width ?? Number.POSITIVE_INFINITY;
    const cells = places.map(({ column, size }, i) => {
      // The first column names what the line is about.
      const cut = truncate(text(column), i === 0 ? size : Math.max(Math.min(room, size), 0));
      room -= size + GAP.length;
      return paint(cut, column) + (i === places.length - 1 ? "" : " ".repeat(size - displayWidth(cut)));
    });
    return cells.join(GAP).trimEnd();
  };
  const heading = line(
    (c) => columns[c]?.title ?? "",
    (text) => text,
  );
  const body = rows.map((row, r) => {
    const cells = new Map(
      places.map(({ column, isShort }) => [column, (isShort ? short : whole)[column]?.[r] ?? ""]),
    );
    return line(
      (c) => cells.get(c) ?? "",
      (text, c) => columns[c]?.paint?.(text, row) ?? text,
    );
  });
  return [heading, ...body].map((text) => `${text}\n`).join("");
}

function widest(title: string, cells: readonly string[]): number {
  return cells.reduce((most, cell) => Math.max(most, displayWidth(cell)), displayWidth(title));
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
