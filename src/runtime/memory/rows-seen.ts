import type { RowRef } from "#domain/conflict";
import { forKinds, type RowKindName, rowKindNames } from "#domain/row-kinds";
import type { RowChanges } from "./row-changes.js";

/**
 * The rows that one unit of a turn has looked at or changed, each at the revision at which the turn had loaded it. Not
 * rolled back with the unit: what a decision has looked at before it failed is what it failed on.
 */
export class RowsSeen {
  readonly #revisions = forKinds<Record<RowKindName, Map<string, number>>>(rowKindNames, () => new Map());
  /** True if the unit takes a name of which there can be only one: an idempotency key, a version of a template. */
  takesName = false;

  note(kind: RowKindName, id: string, revision: number): void {
    const known = this.#revisions[kind];
    if (!known.has(id)) known.set(id, revision);
  }

  has({ kind, id }: Pick<RowRef, "kind" | "id">): boolean {
    return this.#revisions[kind].has(id);
  }

  refs(): RowRef[] {
    return rowKindNames.flatMap((kind) =>
      [...this.#revisions[kind]].map(([id, revision]) => ({ kind, id, revision })),
    );
  }
}

/** Looks at rows of a turn on which nothing will rest. */
export function unseen<Result>(work: { seen: RowsSeen | undefined }, look: () => Result): Result {
  const { seen } = work;
  if (!seen) return look();
  work.seen = undefined;
  try {
    return look();
  } finally {
    work.seen = seen;
  }
}

/**
 * The rows on which the units rest and which the turn does not write. If two units have seen two revisions of a row, the
 * first one stands: the commit is refused, and names the row.
 */
export function rowsRead(units: Iterable<RowsSeen>, changes: RowChanges): readonly RowRef[] {
  const read = new Map<string, RowRef>();
  for (const seen of units) {
    for (const ref of seen.refs()) {
      const key = `${ref.kind} ${ref.id}`;
      if (ref.revision > 0 && !read.has(key) && !changes.writes(ref.kind, ref.id)) read.set(key, ref);
    }
  }
  return [...read.values()];
}
