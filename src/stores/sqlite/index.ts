import { dirname } from "node:path";
import type { TaskId } from "#domain/id";
import { limits } from "#domain/limits";
import type { ReadyStep } from "#domain/step";
import { type Instant, instant } from "#domain/time";
import type { BootState, Commit, Committed, Deadline, Loaded, Needs, Reads, Store } from "#ports/store";
import { remembering } from "../remembering.js";
import { type DriverName, preferredDriver } from "./driver.js";
import type { FileOptions } from "./file.js";
import { makeFolder } from "./folder.js";
import { Link } from "./link.js";
import { decodeBoot, decodeLoaded, encodeCommit, encodeNeeds, rows } from "./messages.js";
import { sqliteReads } from "./reads.js";

export interface SqliteOptions {
  /** The file, made if it is not there. Beside it lie `-wal`, `-shm`, `.lock` and `.reserve`. */
  readonly path: string;
  /** False runs everything on the calling thread, which then waits for the disk. Default true. */
  readonly threads?: boolean;
  /** The file grows no further: a commit that needs more is refused as on a full disk. Default: no limit. */
  readonly maxBytes?: number;
  /** Room held back for the end of what is running, in bytes; 0 is none. Default 16 MiB. */
  readonly reserveBytes?: number;
  /** Default: `node:sqlite` where Node has it without a warning, otherwise libsql. */
  readonly driver?: DriverName;
  /** False asks the file even for what was committed a moment ago. Default true. */
  readonly remember?: boolean;
}

/** Several turns' worth: what is running can end and be told. */
const RESERVE_BYTES = 4 * limits.turnBytes;

/**
 * Everything in one SQLite file, on the disk before it is acknowledged. One thread writes and loads turns, another
 * serves the read side, so that a slow disk stops neither doors nor streams. No statement runs unless asked for.
 */
export function sqliteStore(options: SqliteOptions): Store {
  const store = new SqliteStore(options);
  return options.remember === false ? store : remembering(store);
}

class SqliteStore implements Store {
  readonly reads: Reads;
  readonly #path: string;
  readonly #writer: Link<"writer">;
  readonly #reader: Link<"reader">;

  constructor({ path, threads = true, maxBytes = 0, reserveBytes = RESERVE_BYTES, driver }: SqliteOptions) {
    const file: FileOptions = { path, maxBytes, reserveBytes, driver: driver ?? preferredDriver() };
    this.#path = path;
    this.#writer = new Link("writer", file, threads);
    this.#reader = new Link("reader", file, threads);
    this.reads = sqliteReads(this.#reader);
  }

  /** @throws {Fault} reason `STORE_LOCKED` or `STORE_TOO_NEW`, see `file.ts`; then the store is closed again. */
  async boot(): Promise<BootState> {
    makeFolder(dirname(this.#path));
    try {
      await this.#writer.open();
      await this.#reader.open();
    } catch (error) {
      await this.close();
      throw error;
    }
    return decodeBoot(await this.#writer.call("boot", undefined));
  }

  async load(needs: Needs): Promise<Loaded> {
    return decodeLoaded(await this.#writer.call("load", encodeNeeds(needs)));
  }

  async commit(turn: Commit): Promise<Committed> {
    return { firstSeqs: await this.#writer.call("commit", encodeCommit(turn)) };
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    return rows(await this.#writer.call("ready", { lane, limit }));
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return rows(await this.#writer.call("due", { at, limit }));
  }

  async nextDueAt(): Promise<Instant | undefined> {
    const at = await this.#writer.call("nextDueAt", undefined);
    return at === null ? undefined : instant(at);
  }

  async removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]> {
    return (await this.#writer.call("removeFinished", { before, limit })) as readonly TaskId[];
  }

  /** The reader goes first, so that the writer can leave one whole file behind. */
  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }
}
