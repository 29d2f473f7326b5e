import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Driver } from "../driver.js";
import type { FileOptions } from "./file.js";
import { beside, PAGE_BYTES, sizeOf } from "./files.js";

/**
 * Disk space in reserve, so that running Tasks can still complete on a full disk: a file of zeros beside the store, and
 * as many pages below its size limit if it has one. It is released for commits without new work; new work is refused
 * until it has been reserved again.
 */
export class Reserve {
  readonly #db: Driver;
  readonly #options: FileOptions;
  #held = false;

  constructor(db: Driver, options: FileOptions) {
    this.#db = db;
    this.#options = options;
  }

  /** Reserves the space unless it is reserved. Returns false if neither the disk nor the file has that much free. */
  take(): boolean {
    this.#held ||= this.#takePages() && this.#takeFile();
    return this.#held || this.#pragma("freelist_count") * PAGE_BYTES >= this.#options.reserveBytes;
  }

  /** Releases the space. Returns false if none is reserved. */
  giveUp(): boolean {
    const held = this.#held;
    this.#held = false;
    rmSync(this.#path, { force: true });
    this.#limitPages(0);
    return held;
  }

  get #path(): string {
    return beside.reserve(this.#options.path);
  }

  #takePages(): boolean {
    if (this.#options.maxBytes === 0) return true;
    const used = this.#pragma("page_count") - this.#pragma("freelist_count");
    if (used > this.#pages(this.#options.reserveBytes)) return false;

    this.#limitPages(this.#options.reserveBytes);
    return true;
  }

  #takeFile(): boolean {
    const { reserveBytes } = this.#options;
    if ((sizeOf(this.#path) ?? 0) >= reserveBytes) return true;
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    if (bavail * bsize < reserveBytes) return false;
    try {
      // The zeros are written, because a sparse file would reserve nothing.
      writeFileSync(this.#path, Buffer.alloc(reserveBytes));
      return true;
    } catch {
      rmSync(this.#path, { force: true });
      return false;
    }
  }

  #limitPages(reservedBytes: number): void {
    if (this.#options.maxBytes > 0) this.#pragma(`max_page_count = ${this.#pages(reservedBytes)}`);
  }

  /** Most pages of the file while this many bytes are reserved. */
  #pages(reservedBytes: number): number {
    return Math.max(1, Math.floor((this.#options.maxBytes - reservedBytes) / PAGE_BYTES));
  }

  #pragma(text: string): number {
    return Number(this.#db.prepare(`PRAGMA ${text}`).all([])[0]?.[0]);
  }
}
