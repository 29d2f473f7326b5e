import { Fault } from "./fault.js";
import { type RowKindName, rowKindNames } from "./row-kinds.js";

/** One revision of a row. */
export interface RowRef {
  readonly kind: RowKindName;
  /** As `rowKinds` has it. */
  readonly id: string;
  /** The revision that was expected in the store; 0 if none was. */
  readonly revision: number;
}

/**
 * A commit that was refused because rows have moved since they were loaded. Nothing was written: load them and decide
 * again.
 */
export class Conflict extends Fault {
  /**
   * The rows whose revision is another one. Empty if no row of the commit has moved, but a name that it takes is taken: an
   * idempotency key, or the version of a template.
   */
  readonly moved: readonly RowRef[];

  constructor(message: string, moved: readonly RowRef[] = []) {
    super("conflict", message);
    this.moved = moved;
  }
}

/** How many moved rows a message names; `moved` has them all. */
const NAMED = 3;

/** @param found at least one row that has moved; its `found` is the stored revision, 0 if there is none */
export function rowsMoved(found: readonly (RowRef & { readonly found: number })[]): Conflict {
  const moved = [...found].sort((a, b) => {
    return rowKindNames.indexOf(a.kind) - rowKindNames.indexOf(b.kind) || (a.id < b.id ? -1 : 1);
  });
  const named = moved.slice(0, NAMED).map(({ kind, id, revision, found }) => {
    const there = found === 0 ? "nothing" : `revision ${found}`;
    return `${kind} ${id} is at ${there}, not at ${revision === 0 ? "nothing" : `revision ${revision}`}`;
  });
  const more = moved.length > NAMED ? ` and ${moved.length - NAMED} more` : "";
  return new Conflict(
    `${named.join(", ")}${more}; load again`,
    moved.map(({ kind, id, revision }) => ({ kind, id, revision })),
  );
}
