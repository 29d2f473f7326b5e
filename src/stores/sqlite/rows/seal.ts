import { scan, scannedTables } from "../damage/scan.js";
import type { Driver } from "../driver.js";
import { plane } from "./rows.js";

/**
 * Writes checksums into every row of a file that has none, reading a bounded number of rows at a time. Call within a
 * transaction.
 *
 * @param store the permanent id of the file, used if it has none yet
 */
export function sealAll(db: Driver, store: string): void {
  db.prepare(`UPDATE ${plane.name} SET store = ? WHERE store = ''`).run([store]);
  for (const table of scannedTables) {
    const found = table.order.map((column) => `${column} = ?`).join(" AND ");
    const places = table.sums.map((column) => `${column} = ?`).join(", ");
    const update = db.prepare(`UPDATE ${table.name} SET ${places} WHERE ${found}`);
    for (const [place, row] of scan(db, table)) update.run([...table.sumsOf(row), ...place]);
  }
}

/**
 * Increments the number of commits, as every transaction must, see `log-commits.ts`. Call within a transaction.
 *
 * @throws {DamagedRow} if the row about the file is damaged
 */
export function moveHead(db: Driver): void {
  const [row = []] = db.prepare(`SELECT ${plane.columns()} FROM ${plane.name} WHERE id = 1`).all([]);
  const [, store = "", at, commits, digest] = plane.open(row);
  const [, , , moved = 0, , sum = 0] = plane.seal([
    1,
    store,
    Number(at),
    Number(commits) + 1,
    Number(digest),
  ]);
  db.prepare(`UPDATE ${plane.name} SET commits = ?, sum = ? WHERE id = 1`).run([moved, sum]);
}
