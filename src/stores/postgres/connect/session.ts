import { setTimeout } from "node:timers/promises";
import { Fault } from "#domain/fault";
import type { NodeInfo } from "#domain/node";
import { limits } from "#limits/index";
import type { Connection } from "./connection.js";
import { isServerError } from "./failure.js";
import type { Open } from "./open.js";

/** The second part of the keys of our advisory locks; the first is made from the schema's name. */
const OWNER = 1;
/** Held, shared, by each commit; see `migrations/0002-functions.ts`. */
const COMMITS = 2;

export const locks = {
  own: { name: "own", text: `SELECT pg_try_advisory_lock(hashtext(current_schema), ${OWNER})` },
  owner: {
    text: `SELECT a.pid, a.application_name, coalesce(host(a.client_addr), 'this machine')
      FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.objid = ${OWNER}
        AND l.classid = (hashtext(current_schema)::bigint & 4294967295)::oid
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  },
  incarnation: { text: "SELECT incarnation FROM plane" },
  /** Waits for commits of a former owner that are under way; none of them comes after it. */
  takeOver: {
    text: `WITH quiet AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtext(current_schema), ${COMMITS}))
      UPDATE plane SET incarnation = incarnation + 1 FROM quiet RETURNING incarnation`,
  },
  /** Refuses the nodes that have shared the store from now on, unless one of them is live. */
  endNodes: { text: "SELECT end_nodes_1()" },
  committed: { text: "SELECT 1 FROM commits WHERE id = $1" },
} as const;

/**
 * The session of a server that is alone on its store: it holds a lock as long as it lasts, and finds out when it has
 * ended. Each start counts up the incarnation, with which every commit says that it is of the present owner.
 */
export class OwnerSession {
  readonly #open: Open;
  readonly #shown: string;
  readonly #lost: (error: Error) => void;
  #connection: Connection | undefined;
  #incarnation = 0;

  /** @param lost called when the session has ended by itself */
  constructor(open: Open, shown: string, lost: (error: Error) => void) {
    this.#open = open;
    this.#shown = shown;
    this.#lost = lost;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /**
   * Takes the store over.
   *
   * @throws {Fault} reason `STORE_LOCKED` if another server holds it
   */
  async take(): Promise<void> {
    await this.#hold(limits.postgresBoot);
    const [ended] = await this.#use().query(locks.endNodes);
    const live = ended?.[0] ?? null;
    if (live !== null) throw shared(this.#shown, JSON.parse(String(live)));
    const [row] = await this.#use().query(locks.takeOver);
    this.#incarnation = Number(row?.[0]);
  }

  /**
   * Holds the store again after an outage, unless it never let go.
   *
   * @param lastCommit the id of the last commit that was acknowledged
   * @throws {Fault} reason `STORE_TAKEN` or `STORE_BEHIND`, after which it must not be used any more
   */
  async resume(lastCommit: string | undefined): Promise<void> {
    if (this.#connection && !this.#connection.lost) {
      await this.#connection.query({ text: "SELECT 1" });
    } else {
      await this.#hold(0, this.#incarnation);
    }
    const [row] = await this.#use().query(locks.incarnation);
    if (Number(row?.[0]) !== this.#incarnation) throw taken(this.#shown);
    if (lastCommit === undefined) return;
    const found = await this.#use().query(locks.committed, [lastCommit]);
    if (found.length > 0) return;
    const message = `${this.#shown} has lost commits that were acknowledged: it is older than this server. Make sure that it is the right database, and start again`;
    throw new Fault("internal", message, { reason: "STORE_BEHIND" });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  #use(): Connection {
    if (!this.#connection) throw new Error("the session is not open");
    return this.#connection;
  }

  /**
   * @param patience how long a lock is waited for that another session holds: it may be about to end
   * @param incarnation of an owner that comes back
   */
  async #hold(patience: number, incarnation?: number): Promise<void> {
    const connection = await this.#open("owner");
    const until = performance.now() + patience;
    try {
      for (;;) {
        const [row] = await connection.query(locks.own);
        if (row?.[0] === true) break;
        const [present] = await connection.query(locks.incarnation);
        if (incarnation !== undefined && Number(present?.[0]) !== incarnation) throw taken(this.#shown);
        const [owner] = await connection.query(locks.owner);
        if (performance.now() >= until) throw locked(this.#shown, owner);
        await setTimeout(limits.postgresBackoffFirst * 4);
      }
    } catch (error) {
      await connection.close();
      throw error;
    }
    this.#connection = connection;
    connection.onLost(this.#lost);
  }
}

/** @param owner its process id at the database, its name and where it is */
function locked(shown: string, owner: readonly unknown[] | undefined): Fault {
  const who = owner ? ` ("${owner[1]}" from ${owner[2]}, backend ${owner[0]})` : "";
  const message = `${shown} is in use by another server${who}; stop it, or give this one a schema of its own with ?schema=NAME`;
  return new Fault("unavailable", message, { reason: "STORE_LOCKED" });
}

function shared(shown: string, { id, hostname }: NodeInfo): Fault {
  const message = `${shown} is in use by node ${id} on ${hostname}, which shares it with others; stop all nodes, or give this server a schema of its own with ?schema=NAME`;
  return new Fault("unavailable", message, { reason: "STORE_LOCKED" });
}

export function taken(shown: string): Fault {
  const message = `another server has taken ${shown} over: this one must not go on`;
  return new Fault("internal", message, { reason: "STORE_TAKEN" });
}

/** True if the store must not be used any more after this error. */
export function isFinal(error: unknown): boolean {
  return error instanceof Fault && ["STORE_TAKEN", "STORE_BEHIND", "STORE_FAILED"].includes(error.reason);
}

/**
 * Makes sure that nothing of a lost session is under way: ends it, and waits until it has ended. Resolves as well if the
 * server is another one by now, or does not let us.
 */
export async function endSession(connection: Connection, lost: Connection): Promise<void> {
  if (!lost.backend) return;
  const { pid, started } = lost.backend;
  const text = `SELECT pg_terminate_backend(pid, ${limits.postgresLock}) FROM pg_stat_activity
    WHERE pid = $1 AND backend_start = $2::timestamptz`;
  try {
    await connection.query({ text }, [pid, started]);
  } catch (error) {
    if (!isServerError(error)) throw error;
  }
}
