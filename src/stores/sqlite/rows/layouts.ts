import { crc32 } from "node:zlib";
import type { Driver, SqlRow } from "../driver.js";
import { DamagedRow, sealedTable } from "./checksum.js";

/**
 * The names of what the column `rest` of a table holds, in the order of its values. Every such array begins with the
 * number of its layout, so that it is read by name: fields may be reordered, added and removed in the code without
 * changing what is stored.
 */
export interface Layout {
  /** Computed from table and names: the same on every machine and in every file. At least 1. */
  readonly id: number;
  readonly table: string;
  readonly names: readonly string[];
}

/** Small enough for an integer of V8's own kind, whichever its sign. */
const ID_BITS = 30;

export function layoutOf(table: string, names: readonly string[]): Layout {
  return { id: (crc32(JSON.stringify([table, ...names])) >>> (32 - ID_BITS)) + 1, table, names };
}

/** The layouts that rows of a file have been written with, less those of before there was this table. */
export const layoutTable = sealedTable("layouts", 1, ["id", "table_name", "names"]);

export function layoutValues({ id, table, names }: Layout): SqlRow {
  return [id, table, JSON.stringify(names)];
}

/**
 * What the arrays hold that do not begin with the number of a layout: rows of releases before layouts were kept. Never
 * edited. An array may end early, since names were added at the end.
 */
const unnumbered: Readonly<Record<string, readonly string[]>> = {
  tasks: [
    ...["createdAt", "reason", "errorMessage", "tolerated", "isolated", "opened", "compensatedBy"],
    "inputBytes",
  ],
  steps: [
    ...["agentName", "members", "fence", "attempts", "maxAttempts", "declines", "avoidWorker", "avoidUntil"],
    ...["nextAttemptAt", "runId", "outputBytes", "errorMessage", "hasInput", "signalled", "childId"],
    ...["startedAt", "finishedAt", "order", "inputBytes"],
  ],
  runs: [
    ...[
      "namespace",
      "session",
      "principal",
      "workerId",
      "instance",
      "agentName",
      "fence",
      "attempt",
      "ordinal",
    ],
    ...[
      "createdAt",
      "startedAt",
      "finishedAt",
      "reason",
      "errorMessage",
      "backend",
      "nextSeq",
      "outputBytes",
    ],
  ],
};

/** The layouts that a file knows. */
export class Layouts {
  readonly #names = new Map<number, readonly string[]>();
  /** By the layout that is wanted and the number of the one that is stored. */
  readonly #places = new Map<Layout, Map<number, readonly number[]>>();

  /** @param rows values of {@link layoutTable} */
  constructor(rows: readonly SqlRow[] = []) {
    this.add(rows);
  }

  add(rows: readonly SqlRow[]): void {
    for (const [id, , names] of rows) this.#names.set(Number(id), JSON.parse(String(names)));
  }

  /** True if it is there; throws if there is another one of its number, which is a bug or a rare chance. */
  has({ id, names }: Layout): boolean {
    const known = this.#names.get(id);
    if (known === undefined || known.join() === names.join()) return known !== undefined;
    throw new Error(`the layouts of [${names}] and of [${known}] have one number`);
  }

  /**
   * Where in a stored array each value of a layout lies; −1 for one it does not have. Undefined if the file does not
   * know how the array is laid out.
   *
   * @param first the first element of the array
   */
  placesOf(wanted: Layout, first: unknown): readonly number[] | undefined {
    const id = numberIn(first);
    let places = this.#places.get(wanted);
    if (!places) {
      places = new Map();
      this.#places.set(wanted, places);
    }
    const known = places.get(id);
    if (known) return known;

    const names = id === 0 ? unnumbered[wanted.table] : this.#names.get(id);
    if (!names) return undefined;
    const found = wanted.names.map((name) => placeIn(names, name, id));
    places.set(id, found);
    return found;
  }
}

/** Behind the number, if there is one. */
function placeIn(names: readonly string[], name: string, id: number): number {
  const place = names.indexOf(name);
  return place >= 0 && id !== 0 ? place + 1 : place;
}

/** The number of a layout is stored with a minus before it: what older arrays begin with is a text, or an instant. */
function numberIn(first: unknown): number {
  return typeof first === "number" && first < 0 ? -first : 0;
}

/**
 * The layouts in a file; none if it is of a release that kept none.
 *
 * @param damaged hears of each row that cannot be read, and goes on without it
 * @throws {DamagedRow} unless `damaged` is given
 */
export function layoutRows(db: Driver, damaged?: (error: DamagedRow) => void): readonly SqlRow[] {
  const isThere = db.prepare(`SELECT 1 FROM pragma_table_info('${layoutTable.name}') LIMIT 1`).all([]);
  if (isThere.length === 0) return [];
  const cells = db.prepare(`SELECT ${layoutTable.columns()} FROM ${layoutTable.name}`).all([]);
  return cells.flatMap((row) => {
    try {
      return [layoutTable.open(row)];
    } catch (error) {
      if (!damaged || !(error instanceof DamagedRow)) throw error;
      damaged(error);
      return [];
    }
  });
}
