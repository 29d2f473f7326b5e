import type { Driver } from "./driver.js";
import { isFull } from "./failure.js";
import type { Head } from "./file/head.js";
import type { OpenFile } from "./file/open.js";
import type { Reserve } from "./file/reserve.js";
import type { Changes } from "./rows/changes.js";
import { plane } from "./rows/rows.js";
import type { Prepared, writes } from "./rows/statements.js";

export interface TransactionsParts {
  readonly file: OpenFile;
  readonly reserve: Reserve;
  readonly changes: Changes;
  readonly setHead: Prepared<typeof writes>["setHead"];
}

/** Commits what the writer writes, each with the head that follows the one before. */
export class Transactions {
  readonly #parts: TransactionsParts;
  readonly #db: Driver;
  #head: Head;

  constructor(parts: TransactionsParts) {
    this.#parts = parts;
    this.#db = parts.file.db;
    this.#head = parts.file.head;
  }

  /** As the last commit left it. */
  get head(): Head {
    return this.#head;
  }

  /** Runs `work` in a transaction; on a full disk, runs it again with the reserve if it may be used. */
  withReserve<T>(mayUse: boolean, at: number, work: () => T): T {
    try {
      return this.#commit(at, work);
    } catch (error) {
      if (!isFull(error) || !mayUse || !this.#parts.reserve.giveUp()) throw error;
      return this.#commit(at, work);
    }
  }

  /** Commits, then writes the head beside the file, before the commit is acknowledged. */
  #commit<T>(at: number, work: () => T): T {
    const { file, changes, setHead } = this.#parts;
    const { store, commits } = this.#head;
    let head = this.#head;
    const result = this.#atomically(() => {
      const done = work();
      head = { store, at, commits: commits + 1, digest: changes.digest };
      const changed = setHead.run(plane.seal([1, store, at, head.commits, head.digest]));
      if (changed === 0) throw new Error("another program has written to it since this server opened it");
      return done;
    });
    this.#head = head;
    file.mark.write(head);
    return result;
  }

  #atomically<T>(work: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollBack();
      this.#parts.changes.takeBack(this.#head.digest);
      throw error;
    }
  }

  /** Rolls back. Ignores the error for a missing transaction: after some errors SQLite has already rolled back. */
  #rollBack(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {}
  }
}
