import type { Sink } from "./io.js";

/** The size of a terminal that does not say it, or says nonsense: some say 0. */
const COLUMNS = 80;
const ROWS = 24;
/** On a narrower terminal nothing useful fits into a line: there lines stay whole, and the terminal wraps them. */
const COLUMNS_MIN = 20;

/** Returns the width for which lines are laid out; undefined, that is any, for a pipe or a terminal too narrow for it. */
export function layoutWidth({ isTTY, columns }: Sink): number | undefined {
  const width = known(columns) ?? COLUMNS;
  return isTTY && width >= COLUMNS_MIN ? width : undefined;
}

/** Returns the columns and rows of a terminal. */
export function terminalSize({ columns, rows }: Sink): { readonly columns: number; readonly rows: number } {
  return { columns: known(columns) ?? COLUMNS, rows: known(rows) ?? ROWS };
}

/** True if a picture that is redrawn in place has room. */
export function canRedraw(sink: Sink): boolean {
  return sink.isTTY && terminalSize(sink).columns >= COLUMNS_MIN;
}

function known(size: number | undefined): number | undefined {
  return size !== undefined && Number.isSafeInteger(size) && size > 0 ? size : undefined;
}
