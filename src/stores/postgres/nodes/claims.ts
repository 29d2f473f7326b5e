import { type Deadline, startsAmong } from "#domain/task/deadline";
import { type ReadyStep, readyStep, type StepRow } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { instantOf } from "../boot.js";
import type { Calls } from "../connect/calls.js";
import type { DueAndReady } from "../due.js";
import { deadlineFrom, rowFrom } from "../rows/rows.js";

const free = "(claimed_until IS NULL OR claimed_by = $1 OR claimed_until < now_ms())";

const statements = {
  ready: { name: "claim-ready", text: "SELECT fixed, data FROM claim_ready_1($1, $2, $3, $4)" },
  due: {
    name: "claim-due",
    text: "SELECT task_id, step_name, kind, at FROM claim_due_1($1, $2, $3, $4, $5)",
  },
  nextDue: {
    name: "next-unclaimed",
    text: `SELECT least(
      (SELECT at FROM deadlines WHERE kind <> 'start' AND ${free} ORDER BY at LIMIT 1),
      (SELECT at FROM deadlines WHERE kind = 'start' AND ${free} ORDER BY at LIMIT 1))`,
  },
} as const;

/**
 * Ready Steps and deadlines of which no other process is given the same for a while. A claim decides nothing: it only keeps
 * processes out of each other's way, and lapses by itself.
 */
export class Claims implements DueAndReady {
  readonly #calls: Calls;
  readonly #claimant: string;

  /** @param claimant another one for each process; what it has claimed it is given again */
  constructor(calls: Calls, claimant: string) {
    this.#calls = calls;
    this.#claimant = claimant;
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    const rows = await this.#calls.query(statements.ready, [lane, limit, this.#claimant, limits.claimLease]);
    return rows.map(([fixed, data]) => readyStep(rowFrom<StepRow>(fixed, data)));
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    const others = await this.#claim(at, false, limit);
    return [...others, ...(await this.#claim(at, true, startsAmong(limit, others.length)))];
  }

  async nextDueAt(): Promise<Instant | undefined> {
    const [row] = await this.#calls.query(statements.nextDue, [this.#claimant]);
    return instantOf(row);
  }

  async #claim(at: Instant, starts: boolean, limit: number): Promise<readonly Deadline[]> {
    const values = [Math.floor(at), starts, limit, this.#claimant, limits.claimLease];
    return (await this.#calls.query(statements.due, values)).map(deadlineFrom);
  }
}
