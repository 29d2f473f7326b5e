import { crc32 } from "node:zlib";
import type { Driver, SqlRow } from "../driver.js";
import { DamagedRow, sealedTable } from "./checksum.js";

/**
 * The names of the values in the column `rest` of a table, in order. Every such array begins with the number of its
 * layout and is read by name, so that fields may be reordered, added and removed in the code without a migration.
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

/** The table of layouts with which rows of a file have been written. Rows that are older than the table have none. */
export const layoutTable = sealedTable("layouts", 1, ["id", "table_name", "names"]);

export function layoutValues({ id, table, names }: Layout): SqlRow {
  return [id, table, JSON.stringify(names)];
}

/**
 * The names of the values in arrays without the number of a layout: rows of releases before layouts were stored. Never
 * edit them. An array may be shorter, since names were added at the end.
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

/** The layouts stored in a file. */
export class Layouts {
  readonly #names = new Map<number, readonly string[]>();
  /** Positions by the requested layout and the number of the stored one. */
  readonly #places = new Map<Layout, Map<number, readonly number[]>>();

  /** @param rows values of {@link layoutTable} */
  constructor(rows: readonly SqlRow[] = []) {
    this.add(rows);
  }

  add(rows: readonly SqlRow[]): void {
    for (const [id, , names] of rows) this.#names.set(Number(id), JSON.parse(String(names)));
  }

  /** True if the layout is stored. Throws if another layout has its number, which is a bug or a hash collision. */
  has({ id, names }: Layout): boolean {
    const known = this.#names.get(id);
    if (known === undefined || known.join() === names.join()) return known !== undefined;
    throw new Error(`the layouts of [${names}] and of [${known}] have one number`);
  }

  /**
   * The index in a stored array of each value of a layout; −1 for one that it does not have. Undefined if the layout of
   * the array is not in the file.
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
 * Reads the layouts of a file; none if its release stored none.
 *
 * @param damaged called for each row that cannot be read, which is then skipped
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
