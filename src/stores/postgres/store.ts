import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { TaskId } from "#domain/id";
import type { PostgresUrl } from "#domain/postgres-url";
import type { Deadline } from "#domain/task/deadline";
import { termsOf } from "#domain/task/retention";
import type { ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditStore } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import type { NodeStore } from "#ports/nodes";
import type {
  BootState,
  Commit,
  Committed,
  FiguresPage,
  Loaded,
  Needs,
  Reads,
  Store,
  StoreOutage,
} from "#ports/store";
import { PostgresAudit } from "./audit/audit-log.js";
import { bootState } from "./boot.js";
import { Commits } from "./commits.js";
import { Availability } from "./connect/availability.js";
import { type CallContext, Calls } from "./connect/calls.js";
import { failureOf, isServerError, troubleOf } from "./connect/failure.js";
import { type Open, opener } from "./connect/open.js";
import { Pool } from "./connect/pool.js";
import { isFinal, OwnerSession } from "./connect/session.js";
import { PostgresCredentials } from "./credentials.js";
import { type DueAndReady, OneServersDue } from "./due.js";
import { PostgresEnrolment } from "./enrolment.js";
import { migrate } from "./migrate.js";
import { Claims } from "./nodes/claims.js";
import { PostgresNodes } from "./nodes/node-store.js";
import { keepPartitions } from "./partitions.js";
import { loadedFrom, loadStatement } from "./read/load.js";
import { postgresReads } from "./read/reads.js";
import { storedPage, storedTasks } from "./read/stored-tasks.js";
import { FinishedTasks } from "./retention.js";
import { PostgresUsage } from "./usage.js";

/** A store that has been opened: its connections, and what uses them. */
export class OpenStore implements Omit<Store, "boot" | "open" | "failed" | "shared"> {
  readonly reads: Reads;
  readonly enrolment: PostgresEnrolment;
  readonly usage: PostgresUsage;
  /** Absent if this process is alone on the store. */
  readonly nodes?: NodeStore;
  readonly credentials: CredentialStore;
  readonly audit: AuditStore;
  readonly #isShared: boolean;
  readonly #due: DueAndReady;
  readonly #availability: Availability;
  readonly #owner: OwnerSession | undefined;
  readonly #writers: Pool;
  readonly #readers: Pool;
  readonly #calls: Calls;
  readonly #reading: Calls;
  readonly #commits: Commits;
  readonly #finished: FinishedTasks;
  #partitionsKeptAt = Number.NEGATIVE_INFINITY;

  private constructor(url: PostgresUrl, open: Open, isShared: boolean, failed: (error: Error) => void) {
    const { shown } = url;
    this.#isShared = isShared;
    const lost = (error: Error) => this.#availability.lost(error);
    this.#availability = new Availability(shown, () => this.#probe(open, failed));
    this.#owner = isShared ? undefined : new OwnerSession(open, shown, lost);
    this.#writers = new Pool(open, "turns", limits.postgresWriters);
    this.#readers = new Pool(open, "reads", url.pool ?? limits.postgresReaders);
    const context: CallContext = {
      availability: this.#availability,
      shown,
      failed: (error) => {
        if (isFinal(error)) failed(error);
      },
    };
    const claimant = randomUUID();
    const owner = () => this.#owner?.incarnation ?? null;
    this.#calls = new Calls(this.#writers, context);
    this.enrolment = new PostgresEnrolment(this.#calls);
    this.usage = new PostgresUsage(this.#calls);
    this.#commits = new Commits(this.#writers, context, owner);
    this.#due = isShared ? new Claims(this.#calls, claimant) : new OneServersDue(this.#calls);
    if (isShared) this.nodes = new PostgresNodes(this.#calls, claimant);
    this.credentials = new PostgresCredentials(this.#calls);
    this.#finished = new FinishedTasks(this.#calls, owner);
    this.audit = new PostgresAudit(this.#calls);
    this.#reading = new Calls(this.#readers, context);
    this.reads = postgresReads(this.#reading);
  }

  /**
   * Connects, migrates, and takes the store over unless it is shared.
   *
   * @param failed called when it must not be used any more
   * @throws {Fault} saying what is wrong with database or URL
   */
  static async open(url: PostgresUrl, isShared: boolean, failed: (error: Error) => void): Promise<OpenStore> {
    const store = new OpenStore(url, await opener(url), isShared, failed);
    try {
      await store.#patiently(url, async () => {
        await store.#writers.run((connection) => migrate(connection, url));
        await store.#owner?.take();
        await store.#keepPartitions();
      });
      return store;
    } catch (error) {
      await store.close();
      throw failureOf(error, url.shown);
    }
  }

  boot(): Promise<BootState> {
    return this.#calls.run((connection) => bootState(connection, this.#isShared));
  }

  async load(needs: Needs): Promise<Loaded> {
    const loading = loadStatement(needs);
    return loadedFrom(loading ? await this.#calls.query(loading.statement, loading.values) : []);
  }

  commit(turn: Commit): Promise<Committed> {
    return this.#commits.commit(turn);
  }

  ready(lane: string, limit: number): Promise<readonly ReadyStep[]> {
    return this.#due.ready(lane, limit);
  }

  due(at: Instant, limit: number): Promise<readonly Deadline[]> {
    return this.#due.due(at, limit);
  }

  nextDueAt(): Promise<Instant | undefined> {
    return this.#due.nextDueAt();
  }

  async removeFinished(
    ...[before, limit, archive]: Parameters<Store["removeFinished"]>
  ): Promise<readonly TaskId[]> {
    await this.#keepPartitions();
    return this.#finished.remove(termsOf(before), limit, archive);
  }

  figures(after: TaskId | undefined, limit: number): Promise<FiguresPage> {
    return storedPage((values) => this.#reading.query(storedTasks, values), after, limit);
  }

  outage(): StoreOutage | undefined {
    return this.#availability.outage;
  }

  async close(): Promise<void> {
    this.#availability.close();
    await Promise.all([this.#writers.close(), this.#readers.close(), this.#owner?.close()]);
  }

  async #keepPartitions(): Promise<void> {
    const now = performance.now();
    if (now - this.#partitionsKeptAt < limits.postgresPartitionsEvery) return;
    this.#partitionsKeptAt = now;
    await this.#calls.run(keepPartitions);
  }

  /** Resolves if the database serves, and this store is still the one that it was. */
  async #probe(open: Open, failed: (error: Error) => void): Promise<void> {
    try {
      if (this.#owner) return await this.#owner.resume(this.#commits.last);
      const connection = await open("probe");
      await connection.close();
    } catch (error) {
      if (isFinal(error)) failed(error as Error);
      throw error;
    } finally {
      this.#writers.dropIdle();
      this.#readers.dropIdle();
    }
  }

  /** Repeats what fails because the server is not there yet. A refusal, of a password say, is no such failure. */
  async #patiently({ shown }: PostgresUrl, work: () => Promise<void>): Promise<void> {
    const until = performance.now() + limits.postgresBoot;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const isAway = troubleOf(error) === "lost" || isStarting(error);
        if (!isAway || performance.now() > until) throw failureOf(error, shown);
        await setTimeout(limits.postgresBackoffFirst * 4);
      }
    }
  }
}

/** True if the server is about to take connections, or statements that write. */
function isStarting(error: unknown): boolean {
  return isServerError(error) && ["57P03", "53300"].includes(error.code);
}
