import { type AgentKey, type AgentRow, agentKey } from "#domain/worker/agent";
import type { AgentChanges } from "./agents.js";
import type { Journal } from "./journal.js";

/** What a turn writes of agents: an agent is either kept or forgotten. Every change goes through the journal. */
export class AgentWrites {
  readonly #journal: Journal;
  readonly #kept = new Map<string, AgentRow>();
  readonly #forgotten = new Map<string, AgentKey>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add({ kept, forgotten }: AgentChanges): void {
    for (const row of forgotten) {
      this.#journal.delete(this.#kept, agentKey(row));
      this.#journal.set(this.#forgotten, agentKey(row), row);
    }
    for (const row of kept) {
      this.#journal.delete(this.#forgotten, agentKey(row));
      this.#journal.set(this.#kept, agentKey(row), row);
    }
  }

  toCommit(): { readonly agents: readonly AgentRow[]; readonly agentsForgotten: readonly AgentKey[] } {
    return { agents: [...this.#kept.values()], agentsForgotten: [...this.#forgotten.values()] };
  }
}
