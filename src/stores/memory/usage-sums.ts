import { addUsage } from "#domain/task/usage";
import { limits } from "#limits/index";
import { OTHER, type UsageFilter, type UsageSum } from "#ports/usage-sums";
import { fitsUsage, usageKey } from "../shared/usage-sums.js";
import { compare } from "./templates.js";

/** What was used, by day, namespace, agent and model. */
export class MemoryUsageSums {
  readonly #sums = new Map<string, UsageSum>();

  add(all: readonly UsageSum[]): void {
    for (const sum of all) this.#add(sum);
  }

  read(filter: UsageFilter, most: number): readonly UsageSum[] {
    return [...this.#sums.values()]
      .filter((sum) => fitsUsage(filter, sum))
      .sort(inOrder)
      .slice(0, most);
  }

  #add(sum: UsageSum): void {
    const there = this.#sums.get(usageKey(sum));
    if (there) this.#sums.set(usageKey(sum), { ...there, used: addUsage(there.used, sum.used) });
    else {
      const count = this.#count(sum);
      if (count >= limits.usageSumsPerDay && sum.agentName !== OTHER) {
        this.#add({ ...sum, agentName: OTHER, model: OTHER });
        return;
      }
      if (count === 0) this.#forget(sum);
      this.#sums.set(usageKey(sum), sum);
    }
  }

  #count({ namespace, day }: UsageSum): number {
    let count = 0;
    for (const sum of this.#sums.values()) if (sum.namespace === namespace && sum.day === day) count += 1;
    return count;
  }

  /** Of the same namespace what is older than it is kept. */
  #forget({ namespace, day }: UsageSum): void {
    for (const [key, sum] of this.#sums) {
      if (sum.namespace === namespace && sum.day <= day - limits.usageDays) this.#sums.delete(key);
    }
  }
}

function inOrder(a: UsageSum, b: UsageSum): number {
  return (
    compare(a.namespace, b.namespace) ||
    a.day - b.day ||
    compare(a.agentName, b.agentName) ||
    compare(a.model, b.model)
  );
}
