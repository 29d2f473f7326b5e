import type { UsageSum } from "#ports/usage-sums";
import type { SqlCells, SqlRow } from "../driver.js";
import { sealedTable } from "./checksum.js";

/** The table of what agents have used of models. */
export const usageSums = sealedTable("usage_sums", 4, ["namespace", "day", "agent_name", "model", "used"]);

export function usageValues({ namespace, day, agentName, model, used }: UsageSum): SqlRow {
  return [namespace, day, agentName, model, JSON.stringify(used)];
}

export function usageFrom(selected: SqlCells): UsageSum {
  const [namespace = "", day, agentName = "", model = "", used] = usageSums.open(selected);
  return { namespace, day: Number(day), agentName, model, used: JSON.parse(used as string) };
}
