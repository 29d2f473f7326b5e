import type { UsageFilter, UsageSum } from "#ports/usage-sums";
import { textIn } from "../driver.js";
import type { Prepared, reads } from "../rows/statements.js";
import { usageFrom } from "../rows/usage-sums.js";

export interface UsageRequest {
  readonly filter: UsageFilter;
  readonly most: number;
}

type Statements = Prepared<Pick<typeof reads, "usageSums" | "nextUsageNamespace">>;

/** What was used, in the order of the keys: namespace after namespace, so that only days that are asked for are read. */
export function usageSumsIn(sql: Statements, { filter, most }: UsageRequest): readonly UsageSum[] {
  const { namespaces, agentName = null, model = null, from, until } = filter;
  const all: UsageSum[] = [];
  for (const namespace of namespaces === "*" ? every(sql) : [...new Set(namespaces)].sort()) {
    const left = most - all.length;
    if (left === 0) break;
    for (const row of sql.usageSums.all([namespace, from, until, agentName, model, left]))
      all.push(usageFrom(row));
  }
  return all;
}

function* every(sql: Statements): Generator<string> {
  for (let last = ""; ; ) {
    const [next] = sql.nextUsageNamespace.all([last]);
    if (!next) return;
    last = textIn(next[0]);
    yield last;
  }
}
