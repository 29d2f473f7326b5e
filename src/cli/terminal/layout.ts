/** How wide a column may be. */
export interface ColumnSizes {
  /** With its whole cells. */
  readonly whole: number;
  /** With its short ones. */
  readonly short: number;
  /** The width to which it may be cut; undefined: not. */
  readonly least: number | undefined;
  /** True if it may be left out. */
  readonly optional: boolean;
}

/** A column that is shown. */
export interface Place {
  readonly column: number;
  readonly size: number;
  /** True if its cells are the short ones. */
  readonly isShort: boolean;
}

/**
 * Chooses the columns that are shown, and their widths, so that a line fits into `width` if it can: first with whole
 * cells, then with short ones, then with the widest columns cut, then without optional columns, the last one first.
 */
export function placeColumns(
  columns: readonly ColumnSizes[],
  gap: number,
  width: number | undefined,
): readonly Place[] {
  const whole = columns.map((sizes, column) => ({ column, size: sizes.whole, isShort: false }));
  if (width === undefined || lineWidth(whole, gap) <= width) return whole;

  let shown = columns.map((sizes, column) => ({ column, size: sizes.short, isShort: true }));
  for (;;) {
    const cut = cutToFit(shown, columns, gap, width);
    if (lineWidth(cut, gap) <= width) return cut;
    const out = shown.findLast(({ column }) => columns[column]?.optional);
    if (!out) return cut;
    shown = shown.filter((place) => place !== out);
  }
}

function lineWidth(places: readonly Place[], gap: number): number {
  return places.reduce((sum, { size }) => sum + size + gap, -gap);
}

/** Cuts the widest columns to one width, the largest that makes the line fit. */
function cutToFit(
  places: readonly Place[],
  columns: readonly ColumnSizes[],
  gap: number,
  width: number,
): Place[] {
  const capped = (cap: number) =>
    places.map((place) => {
      const least = columns[place.column]?.least;
      return least === undefined ? place : { ...place, size: Math.min(place.size, Math.max(cap, least)) };
    });
  let [low, high] = [0, Math.max(...places.map(({ size }) => size), 0)];
  while (low < high) {
    const cap = Math.ceil((low + high) / 2);
    if (lineWidth(capped(cap), gap) <= width) low = cap;
    else high = cap - 1;
  }
  return capped(low);
}
