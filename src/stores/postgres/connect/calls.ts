import { setTimeout } from "node:timers/promises";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Availability } from "./availability.js";
import {
  type Cells,
  type Connection,
  EVERYTHING,
  type Scope,
  type Statement,
  scopeOf,
} from "./connection.js";
import { failureOf, troubleOf } from "./failure.js";
import type { Pool } from "./pool.js";

/** Whom calls are made for, and what is done with their errors. */
export interface CallContext {
  readonly availability: Availability;
  /** The database, without a password. */
  readonly shown: string;
  /** Told of each error that no repetition mends. */
  readonly failed: (error: Error) => void;
}

/** Runs statements that may be run again, on connections of one pool. */
export class Calls {
  readonly #pool: Pool;
  readonly #context: CallContext;
  readonly #scope: Scope;

  /** @param scope what they see */
  constructor(pool: Pool, context: CallContext, scope: Scope = EVERYTHING) {
    this.#pool = pool;
    this.#context = context;
    this.#scope = scope;
  }

  /** The same calls, to which nothing exists that is in another namespace: the database sees to it. */
  within(namespaces: readonly string[]): Calls {
    return new Calls(this.#pool, this.#context, scopeOf(namespaces));
  }

  query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Cells[]> {
    return this.run((connection) => connection.query(statement, values));
  }

  /**
   * Runs `work`, again if its connection was lost or another transaction was in the way. It must come to the same
   * however often it has been run, in part or to its end.
   *
   * @throws {Fault} `unavailable`, `overloaded`, `disk_full`: it may be tried later
   */
  async run<T>(
    work: (connection: Connection) => Promise<T>,
    patience: Millis = limits.postgresPatience,
  ): Promise<T> {
    const { availability, shown, failed } = this.#context;
    for (let tries = 1; ; tries++) {
      const away = availability.ready(patience);
      if (away) await away;
      try {
        return await this.#pool.run((connection) => {
          const confined = connection.actFor(this.#scope);
          return confined ? confined.then(() => work(connection)) : work(connection);
        });
      } catch (error) {
        const trouble = troubleOf(error);
        if (trouble === "lost" || trouble === "away") {
          this.#pool.dropIdle();
          availability.lost(error);
        }
        const mayRepeat = trouble === "lost" || trouble === "away" || trouble === "contended";
        if (mayRepeat && tries < limits.postgresTries) {
          if (trouble === "contended") await setTimeout(backoff(tries));
          continue;
        }
        const failure = failureOf(error, shown);
        failed(failure);
        throw failure;
      }
    }
  }
}

/** Milliseconds before the next try of what lost against another transaction: by chance, so that they part. */
export function backoff(tries: number): number {
  return limits.postgresBackoffFirst * 2 ** (tries - 2) * (0.5 + Math.random());
}
