import { setTimeout } from "node:timers";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Connection } from "./connection.js";
import { troubleOf } from "./failure.js";
import type { Open } from "./open.js";

interface Waiting {
  readonly take: (connection: Connection) => void;
  readonly refuse: (error: unknown) => void;
}

/** A bounded number of connections, opened when they are needed, and a bounded queue in front of them. */
export class Pool {
  readonly #open: Open;
  readonly #purpose: string;
  readonly #size: number;
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<Waiting>();
  /** Connections that are open or being opened. */
  #count = 0;
  #closed = false;

  constructor(open: Open, purpose: string, size: number) {
    this.#open = open;
    this.#purpose = purpose;
    this.#size = size;
  }

  /**
   * Lends a connection.
   *
   * @throws {Fault} `overloaded` if too many wait, or none came free in time
   */
  async run<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#acquire();
    try {
      return await work(connection);
    } finally {
      this.#release(connection);
    }
  }

  /** Ends connections that are not in use: after an outage they may lead to a server that is no longer the right one. */
  dropIdle(): void {
    for (const connection of this.#idle.splice(0)) {
      this.#count -= 1;
      connection.destroy();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { refuse } of this.#waiting) refuse(closed());
    this.#waiting.clear();
    await Promise.all(this.#idle.splice(0).map((connection) => connection.close()));
  }

  async #acquire(): Promise<Connection> {
    if (this.#closed) throw closed();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (!idle.lost) return idle;
      this.#count -= 1;
    }
    if (this.#count >= this.#size) return this.#wait();
    this.#count += 1;
    try {
      return await this.#open(this.#purpose);
    } catch (error) {
      this.#count -= 1;
      // The server has no place for another connection: those that are open serve all.
      if (troubleOf(error) === "away" && this.#count > 0) return this.#wait();
      throw error;
    }
  }

  #wait(): Promise<Connection> {
    if (this.#waiting.size >= limits.postgresWaiting) throw busy();
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        take: (connection) => {
          clearTimeout(timeout);
          resolve(connection);
        },
        refuse: (error) => {
          clearTimeout(timeout);
          reject(error);
        },
      };
      const timeout = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(busy());
      }, limits.postgresPoolWait);
      this.#waiting.add(waiting);
    });
  }

  #release(connection: Connection): void {
    if (this.#closed) {
      this.#count -= 1;
      void connection.close();
      return;
    }
    const [next] = this.#waiting;
    if (connection.lost) {
      this.#count -= 1;
      if (next) this.#replace(next);
      return;
    }
    if (!next) {
      this.#idle.push(connection);
      return;
    }
    this.#waiting.delete(next);
    next.take(connection);
  }

  /** Opens a connection for one that waits, in the place of a lost one. If there is none, nobody waits any longer. */
  #replace(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    this.#acquire().then(waiting.take, (error: unknown) => {
      waiting.refuse(error);
      const others = [...this.#waiting];
      this.#waiting.clear();
      for (const { refuse } of others) refuse(error);
    });
  }
}

function busy(): Fault {
  const message = "all connections to the database are in use: nothing was stored; send it again";
  return new Fault("overloaded", message, { reason: "STORE_BUSY", retryAfter: limits.retryAfter });
}

function closed(): Fault {
  return new Fault("unavailable", "the store is closed; nothing was stored", { reason: "DRAINING" });
}
