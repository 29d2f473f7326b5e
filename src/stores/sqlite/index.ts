import { dirname } from "node:path";
import type { EnrolmentKind, EnrolmentOf, EnrolmentRow } from "#domain/access/enrolment";
import type { TaskId } from "#domain/id";
import { type RetentionTerms, termsOf } from "#domain/task/retention";
import { type ReadyStep, readyStep, type StepRow } from "#domain/task/step";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditStore } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import type { EnrolmentStore } from "#ports/enrolment";
import type {
  BootState,
  Commit,
  Committed,
  Deadline,
  FiguresPage,
  Loaded,
  Needs,
  Reads,
  Store,
} from "#ports/store";
import type { UsageStore } from "#ports/usage";
import { cachingStore } from "../shared/caching-store.js";
import { SqliteCredentials } from "./credentials.js";
import { type Driver, type DriverName, opened, openReadOnly, preferredDriver } from "./driver.js";
import { errorOf, type Failure } from "./failure.js";
import type { FileOptions } from "./file/file.js";
import { makeFile, realFile, requireFiles } from "./file/files.js";
import { makeFolder } from "./file/folder.js";
import { lockInode } from "./file/lock.js";
import { sqliteReads } from "./read/reads.js";
import { Layouts } from "./rows/layouts.js";
import { stepTable } from "./rows/rows.js";
import { ThreadClient } from "./thread/client.js";
import { decodeBoot, decodeLoaded, encodeCommit, encodeNeeds } from "./thread/messages.js";

export interface SqliteOptions {
  /** The file; created if it does not exist. Beside it are `-wal`, `-shm`, `.lock`, `.reserve`, `.head` and `.sums`. */
  readonly path: string;
  /** False runs everything on the calling thread, which then waits for the disk. Default true. */
  readonly threads?: boolean;
  /** Most bytes of the file: a commit that needs more is refused as on a full disk. Default: no limit. */
  readonly maxBytes?: number;
  /** Bytes reserved for the completion of running Tasks on a full disk; 0 for none. Default 16 MiB. */
  readonly reserveBytes?: number;
  /** Default: `node:sqlite` if this Node has it without a warning, otherwise libsql. */
  readonly driver?: DriverName;
  /** False disables the cache of recently committed Tasks. Default true. */
  readonly remember?: boolean;
}

/**
 * The durable store: one SQLite file. A commit is on the disk before it is acknowledged. One thread writes and loads
 * turns, another serves clients' reads, so that a slow disk stops neither requests nor streams. An idle store runs no
 * statements.
 */
export function sqliteStore(options: SqliteOptions): Store {
  const store = new SqliteStore(options);
  return options.remember === false ? store : cachingStore(store);
}

class SqliteStore implements Store {
  readonly reads: Reads;
  readonly failed: Promise<Error>;
  readonly #file: FileOptions;
  readonly #writer: ThreadClient<"writer">;
  readonly #reader: ThreadClient<"reader">;
  readonly #layouts = new Layouts();
  #opened: Promise<void> | undefined;
  #guard: Driver | undefined;
  #releaseInode = async (): Promise<void> => {};

  constructor(options: SqliteOptions) {
    const { path, threads = true, maxBytes = 0, reserveBytes = limits.reserveBytes } = options;
    const { driver = preferredDriver() } = options;
    let onFailure: (failure: Failure) => void = () => {};
    this.failed = new Promise((resolve) => {
      onFailure = (failure) => resolve(errorOf(failure));
    });
    this.#file = { path: realFile(path), maxBytes, reserveBytes, driver };
    this.#writer = new ThreadClient("writer", this.#file, threads, onFailure);
    this.#reader = new ThreadClient("reader", this.#file, threads, onFailure);
    this.reads = sqliteReads(this.#reader, this.#layouts);
  }

  /**
   * @throws {Fault} reason `STORE_LOCKED`, `STORE_TOO_NEW`, `STORE_DAMAGED` or `STORE_BEHIND`; then the store is closed
   *   again, and the file as it was
   */
  async boot(): Promise<BootState> {
    await this.open();
    return this.#writer.decoded("boot", undefined, (reply) => decodeBoot(reply, this.#layouts));
  }

  open(): Promise<void> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async #open(): Promise<void> {
    const { path, driver } = this.#file;
    makeFolder(dirname(path));
    requireFiles(path);
    try {
      makeFile(path);
      this.#releaseInode = await lockInode(path);
      this.#writer.start();
      this.#reader.start();
      await this.#writer.open();
      this.#layouts.add(await this.#writer.call("layouts", undefined));
      this.#guard = guardOf(path, driver);
      await this.#reader.open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async load(needs: Needs): Promise<Loaded> {
    return this.#writer.decoded("load", encodeNeeds(needs), (reply) => decodeLoaded(reply, this.#layouts));
  }

  async commit(turn: Commit): Promise<Committed> {
    return { firstSeqs: await this.#writer.call("commit", encodeCommit(turn)) };
  }

  async ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    return this.#writer.decoded("ready", { lane, limit }, (text) =>
      stepTable.changing(text, this.#layouts).map((step) => readyStep(step as StepRow)),
    );
  }

  async due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return this.#writer.call("due", { at, limit });
  }

  async nextDueAt(): Promise<Instant | undefined> {
    const at = await this.#writer.call("nextDueAt", undefined);
    return at === null ? undefined : instant(at);
  }

  readonly credentials: CredentialStore = new SqliteCredentials(() => this.#writer);

  readonly audit: AuditStore = {
    append: (_id, append) => this.#writer.call("appendAudit", append),
    entries: (after, limit, chain) => this.#writer.call("auditEntries", { after, limit, chain }),
    latest: (before, limit) => this.#writer.call("auditLatest", { before, limit }),
    heads: (after, limit) => this.#writer.call("auditHeads", { after, limit }),
    remove: (through, limit) => this.#writer.call("removeAudit", { ...through, limit }),
  };

  readonly enrolment: EnrolmentStore = {
    get: async (kind, id) => enrolmentOf(await this.#writer.call("enrolment", { kind, id }), kind)[0],
    list: async (kind, after, limit) =>
      enrolmentOf(await this.#writer.call("enrolment", { kind, after, limit }), kind),
    denied: async (deniedAt) => enrolmentOf(await this.#writer.call("enrolment", { deniedAt }), "worker"),
    put: (rows, audit) => this.#writer.call("putEnrolment", { rows, audit }),
    removeEnded: (before, limit) => this.#writer.call("removeEndedEnrolment", { before, limit }),
  };

  readonly usage: UsageStore = {
    putOutput: async ({ writer, day, bytes }) =>
      new Map(await this.#writer.call("putOutput", { writer, day, bytes: [...bytes] })),
  };

  async removeFinished(
    before: Instant | RetentionTerms,
    limit: number,
    archive?: (ids: readonly TaskId[]) => Promise<void>,
  ): Promise<readonly TaskId[]> {
    const terms = termsOf(before);
    const ids = (await this.#writer.call("findFinished", { terms, limit })) as readonly TaskId[];
    // An idle plane writes nothing.
    if (ids.length === 0) return ids;
    await archive?.(ids);
    // What has ended stays so, and what no Task needed none will need.
    await this.#writer.call("removeTasks", ids);
    return ids;
  }

  async figures(after: TaskId | undefined, limit: number): Promise<FiguresPage> {
    return this.#reader.call("storedTasks", { after, limit });
  }

  /** Closes the reader first, so that the writer can move the whole log into the file. */
  async close(): Promise<void> {
    try {
      await this.#reader.close();
      if (!this.#writer.hasFailed) this.#dropGuard();
      await this.#writer.close();
    } finally {
      await this.#releaseInode();
    }
  }

  #dropGuard(): void {
    if (!this.#guard) return;
    guards.delete(this.#guard);
    this.#guard.close();
    this.#guard = undefined;
  }
}

/** Rows of one kind, which is what was asked for. */
function enrolmentOf<Kind extends EnrolmentKind>(
  rows: readonly EnrolmentRow[],
  _kind: Kind,
): readonly EnrolmentOf<Kind>[] {
  return rows as readonly EnrolmentOf<Kind>[];
}

/** Connections that stay open until their store has been closed properly, or the process has ended. */
const guards = new Set<Driver>();

/**
 * Opens an idle read-only connection, so that the writer's connection is never the last one. When the last connection
 * closes, for example because its thread is terminated after a failure, SQLite moves the write-ahead log into the file.
 */
function guardOf(path: string, driver: DriverName): Driver {
  const guard = openReadOnly(path, driver);
  opened(guard, () => guard.exec(`SELECT 1 FROM ${guard.schema}.sqlite_schema`));
  guards.add(guard);
  return guard;
}
