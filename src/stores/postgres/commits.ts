import { setTimeout } from "node:timers/promises";
import { Conflict, type RowRef, rowsMoved } from "#domain/conflict";
import { keyOfId, rowKind, rowKindNames } from "#domain/row-kinds";
import { limits } from "#limits/index";
import type { Commit, Committed } from "#ports/store-turns";
import { backoff, type CallContext } from "./connect/calls.js";
import type { Connection } from "./connect/connection.js";
import { ConnectionLost, failureOf, isServerError, TAKEN_OVER, troubleOf } from "./connect/failure.js";
import type { Pool } from "./connect/pool.js";
import { endSession, taken } from "./connect/session.js";
import { type CommitCall, commitCall, isFirst } from "./rows/commit-call.js";
import { rowTable, tableName } from "./rows/rows.js";

const PRUNE = {
  name: "prune-commits",
  text: `DELETE FROM commits WHERE written_at < clock_timestamp() - $1::bigint * interval '1 millisecond'
    AND at < (SELECT max(at) FROM commits)`,
} as const;

/**
 * Writes turns. A call whose answer was lost is made again under the same id, once nothing of it is under way, until the
 * database has answered: what has been written is answered, what has not been is written now.
 */
export class Commits {
  readonly #pool: Pool;
  readonly #context: CallContext;
  readonly #owner: () => number | null;
  #last: string | undefined;
  #sincePruned = 0;

  /** @param owner the incarnation of a server that is alone on the store; otherwise null */
  constructor(pool: Pool, context: CallContext, owner: () => number | null) {
    this.#pool = pool;
    this.#context = context;
    this.#owner = owner;
  }

  /** The id of the last commit that was acknowledged. */
  get last(): string | undefined {
    return this.#last;
  }

  /**
   * @throws {Conflict}
   * @throws {Fault} `unavailable`, `overloaded`, `disk_full`: nothing was written
   * @throws any other error if it is unknown whether the turn was written
   */
  async commit(turn: Commit): Promise<Committed> {
    const call = commitCall(turn, this.#owner());
    const answer = await this.#answered(call, turn);
    this.#last = turn.id;
    this.#sincePruned += 1;
    if (this.#sincePruned >= limits.postgresPruneEvery) void this.#prune();
    return call.answer(answer);
  }

  async #answered(call: CommitCall, turn: Commit): Promise<string | null> {
    /** The session in which a call may be under way. */
    let uncertain: Connection | undefined;
    let tries = 0;
    for (;;) {
      await this.#ready(uncertain !== undefined);
      let used: Connection | undefined;
      try {
        return await this.#pool.run(async (connection) => {
          if (uncertain) await endSession(connection, uncertain);
          used = connection;
          return this.#write(connection, call, turn);
        });
      } catch (error) {
        const trouble = troubleOf(error);
        // Even an error that ends the session may come after the commit.
        if (used && trouble === "lost" && wasSent(error)) uncertain = used;
        if (trouble === "lost" || trouble === "away") {
          this.#pool.dropIdle();
          this.#context.availability.lost(error);
          if (++tries < (uncertain ? limits.postgresUnknownTries : limits.postgresTries)) continue;
          if (uncertain) throw unknown(this.#context.shown, error);
        }
        if (trouble === "contended" && ++tries < limits.postgresTries) {
          await setTimeout(backoff(tries));
          continue;
        }
        throw this.#failure(error);
      }
    }
  }

  /** Waits while the database is away: for long, if a call may have been written. */
  async #ready(isUncertain: boolean): Promise<void> {
    const { availability, shown } = this.#context;
    try {
      await availability.ready(isUncertain ? limits.postgresUnknown : limits.postgresPatience);
    } catch (cause) {
      if (!isUncertain) throw cause;
      throw unknown(shown, cause);
    }
  }

  async #write(connection: Connection, call: CommitCall, turn: Commit): Promise<string | null> {
    try {
      const [row] = await connection.query(call.statement, call.values);
      const answer = row?.[0] === null ? null : String(row?.[0]);
      if (answer === "moved" || answer === "gone") throw await conflictOf(connection, call, turn);
      return answer;
    } catch (error) {
      if (troubleOf(error) !== "taken") throw error;
      throw await conflictOf(connection, call, turn);
    }
  }

  #failure(error: unknown): Error {
    const { shown, failed } = this.#context;
    const isTaken = isServerError(error) && error.code === TAKEN_OVER;
    const failure = isTaken ? taken(shown) : failureOf(error, shown);
    failed(failure);
    return failure;
  }

  async #prune(): Promise<void> {
    this.#sincePruned = 0;
    const prune = (connection: Connection) => connection.query(PRUNE, [limits.postgresCommitsKept]);
    await this.#pool.run(prune).catch(() => {});
  }
}

function unknown(shown: string, cause: unknown): Error {
  return new Error(`${shown} went away during a commit, which may have been written or not`, { cause });
}

function wasSent(error: unknown): boolean {
  return !(error instanceof ConnectionLost) || error.wasSent;
}

/** Rows that the commit writes for the first time: expected not to be there. */
function madeRows(turn: Commit): readonly RowRef[] {
  return rowKindNames.flatMap((kind) => {
    const rows = turn[kind].filter((row) => isFirst(turn, row));
    return rows.map((row) => ({ kind, id: rowKind(kind).idOf(row), revision: 0 }));
  });
}

/** Finds out what has moved. A revision only grows, so that what refused the commit still does. */
async function conflictOf(connection: Connection, call: CommitCall, turn: Commit): Promise<Conflict> {
  const expected = [...call.expected, ...madeRows(turn)];
  const moved: (RowRef & { readonly found: number })[] = [];
  for (const kind of rowKindNames) {
    const refs = expected.filter((ref) => ref.kind === kind);
    if (refs.length === 0) continue;
    const { keys } = rowTable(kind);
    const parts = refs.map(({ id }) => keyOfId(kind, id));
    const arrays = keys.map((_, i) => `$${i + 1}::text[]`).join(", ");
    const on = keys.map((column) => `t.${column} = w.${column}`).join(" AND ");
    const text = `SELECT coalesce(t.revision, 0) FROM unnest(${arrays}) WITH ORDINALITY AS w(${keys.join(", ")}, place)
      LEFT JOIN ${tableName(kind)} AS t ON ${on} ORDER BY w.place`;
    const found = await connection.query(
      { text },
      keys.map((_, i) => parts.map((key) => key[i])),
    );
    for (const [i, ref] of refs.entries()) {
      const revision = Number(found[i]?.[0] ?? 0);
      if (revision !== ref.revision) moved.push({ ...ref, found: revision });
    }
  }
  if (moved.length > 0) return rowsMoved(moved);
  const taken =
    turn.templates.length > 0 ? "an idempotency key or a template's version" : "an idempotency key";
  return new Conflict(`${taken} is taken, or a Task is gone; load it again`);
}
