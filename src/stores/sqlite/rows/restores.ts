import type { Restoration } from "#domain/incarnation";
import { instant } from "#domain/time/time";
import type { SqlCells } from "../driver.js";
import { sealedTable } from "./checksum.js";

/** The table of restorations from a backup. */
export const restores = sealedTable("restores", 1, ["number", "id", "since", "commits"]);

export function restorationFrom(selected: SqlCells): Restoration {
  const [, id = "", since] = restores.open(selected);
  return { id, since: instant(Number(since)) };
}
