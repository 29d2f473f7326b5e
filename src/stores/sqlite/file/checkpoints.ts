import { limits } from "#limits/index";
import type { Driver } from "../driver.js";
import { isFull } from "../failure.js";
import type { PageSums } from "./page-sums.js";

/** Moves committed pages from the write-ahead log into the file, now and then. */
export class Checkpoints {
  readonly #db: Driver;
  readonly #sums: PageSums;
  readonly #done: () => void;
  #pagesWritten = 0;

  /** @param done called after each checkpoint */
  constructor(db: Driver, sums: PageSums, done: () => void) {
    this.#db = db;
    this.#sums = sums;
    this.#done = done;
  }

  /** Call after a commit. @param pages about how many it has written */
  wrote(pages: number): void {
    this.#pagesWritten += pages;
  }

  runIfDue(): void {
    if (this.#pagesWritten < limits.checkpointPages) return;

    this.#pagesWritten = 0;
    const [, pages] = this.run("PASSIVE");
    if (pages > limits.logPages) this.run("RESTART");
  }

  /** A full disk postpones it; any other failure is thrown. */
  run(mode: "PASSIVE" | "RESTART" | "TRUNCATE"): readonly [busy: number, pages: number] {
    try {
      this.#sums.record();
      const wait = mode === "RESTART" ? limits.logRestartWait : limits.databaseBusy;
      const [row = []] = this.#patiently(wait, () =>
        this.#db.prepare(`PRAGMA wal_checkpoint(${mode})`).all([]),
      );
      this.#done();
      return [Number(row[0]), Number(row[1])];
    } catch (error) {
      if (!isFull(error)) throw error;
      return [1, 0];
    }
  }

  /** Waits no longer than this for other connections meanwhile. */
  #patiently<T>(wait: number, work: () => T): T {
    this.#db.exec(`PRAGMA busy_timeout = ${wait}`);
    try {
      return work();
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${limits.databaseBusy}`);
    }
  }
}
