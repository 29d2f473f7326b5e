import type { Driver } from "./driver.js";
import { plane } from "./rows.js";
import { scan, scannedTables } from "./scan.js";

/**
 * Puts its checksums into every row, a few rows at a time, for a file whose rows have none or were changed by a
 * migration. To be called within a transaction.
 *
 * @param store the name of the file for life, if it has none yet
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
