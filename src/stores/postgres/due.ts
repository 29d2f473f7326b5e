import { type Deadline, startsAmong } from "#domain/task/deadline";
import { type ReadyStep, readyStep, type StepRow } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { TurnStore } from "#ports/store-turns";
import { instantOf, NEXT_DUE } from "./boot.js";
import type { Calls } from "./connect/calls.js";
import { deadlineFrom, rowFrom } from "./rows/rows.js";

const statements = {
  ready: {
    name: "ready",
    text: "SELECT fixed, data FROM steps WHERE lane = $1 ORDER BY rank, task_id, name LIMIT $2",
  },
  due: {
    name: "due",
    text: `SELECT task_id, step_name, kind, at FROM deadlines
      WHERE at <= $1 AND kind <> 'start' ORDER BY at, task_id, step_name, kind LIMIT $2`,
  },
  dueStarts: {
    name: "due-starts",
    text: `SELECT task_id, step_name, kind, at FROM deadlines
      WHERE at <= $1 AND kind = 'start' ORDER BY at, task_id, step_name LIMIT $2`,
  },
} as const;

/** What can be done now, and what is due. */
export type DueAndReady = Pick<TurnStore, "ready" | "due" | "nextDueAt">;

/** Of a server that is alone on the store: nobody else is about to do it. */
export class OneServersDue implements DueAndReady {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    const rows = await this.#calls.query(statements.ready, [lane, limit]);
    return rows.map(([fixed, data]) => readyStep(rowFrom<StepRow>(fixed, data)));
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    const whole = Math.floor(at);
    const others = await this.#calls.query(statements.due, [whole, limit]);
    const starts = await this.#calls.query(statements.dueStarts, [whole, startsAmong(limit, others.length)]);
    return [...others, ...starts].map(deadlineFrom);
  }

  async nextDueAt(): Promise<Instant | undefined> {
    const [row] = await this.#calls.query(NEXT_DUE);
    return instantOf(row);
  }
}
