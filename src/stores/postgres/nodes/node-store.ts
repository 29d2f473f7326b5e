import { setTimeout } from "node:timers/promises";
import { Fault } from "#domain/fault";
import type { NodeId, RunId, SessionId, WorkerId } from "#domain/id";
import { NodeGone, type NodeInfo, type NodeState, type NodeView } from "#domain/node";
import type { RunRow } from "#domain/task/run";
import { type Instant, instant, type Millis } from "#domain/time/time";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { NodeLease, NodeStore, Polled, PollQuery, WorkerSeen } from "#ports/nodes";
import type { Calls } from "../connect/calls.js";
import type { Cells } from "../connect/connection.js";
import { rowFrom } from "../rows/rows.js";
import { polledFrom, pollStatement, pollValues } from "./poll.js";

const statements = {
  join: { name: "join", text: "SELECT now, until FROM join_1($1, $2, $3)" },
  renew: {
    name: "renew",
    text: `UPDATE nodes SET lease_until = now_ms() + $2, heard = $3 WHERE id = $1 AND gone_at IS NULL
      RETURNING lease_until - $2, lease_until`,
  },
  drain: { name: "drain", text: "UPDATE nodes SET draining = true WHERE id = $1 AND gone_at IS NULL" },
  leave: { name: "leave", text: "SELECT leave_1($1)" },
  list: {
    name: "list-nodes",
    text: `SELECT data, started_at, lease_until, draining, gone_at IS NOT NULL, has_left, taken_by,
        (SELECT count(*) FROM workers AS w WHERE w.node = n.id AND w.connected),
        (SELECT count(*) FROM runs AS r WHERE r.node = n.id AND r.held), lease_until > now_ms()
      FROM nodes AS n
      ORDER BY gone_at IS NULL AND lease_until > now_ms() DESC, started_at DESC, id LIMIT $1`,
  },
  takeOver: { name: "take-over", text: "SELECT take_over_1($1, $2)" },
  runsOf: {
    name: "runs-of",
    text: "SELECT fixed, data FROM runs WHERE held AND node = $1 AND id > $2 ORDER BY id LIMIT $3",
  },
  workers: {
    name: "workers",
    text: `SELECT w.data, w.node, w.session,
        (SELECT count(*) FROM runs AS r WHERE r.held AND r.held_by = w.session)
      FROM workers AS w JOIN nodes AS n ON n.id = w.node
      WHERE w.connected AND w.key > $1 AND n.gone_at IS NULL AND n.lease_until > now_ms()
      ORDER BY w.key LIMIT $2`,
  },
  /** The key is a JSON array that ends with the id. */
  workersNamed: {
    name: "workers-named",
    text: `SELECT w.data FROM workers AS w JOIN nodes AS n ON n.id = w.node
      WHERE reverse(w.key) COLLATE "C" >= $1 AND reverse(w.key) COLLATE "C" < $2
        AND w.connected AND n.gone_at IS NULL AND n.lease_until > now_ms() LIMIT 16`,
  },
  heard: { name: "heard", text: "SELECT id, heard FROM nodes WHERE id = ANY ($1::text[])" },
  removeGone: { name: "remove-gone", text: "SELECT remove_gone_1($1, $2)" },
} as const;

/** The nodes of a schema. Each change is one statement, which comes to the same if it is repeated. */
export class PostgresNodes implements NodeStore {
  readonly #calls: Calls;
  readonly #claimant: string;

  /** @param claimant as which this process claims deadlines */
  constructor(calls: Calls, claimant: string) {
    this.#calls = calls;
    this.#claimant = claimant;
  }

  /** Waits a while for a server that is alone on the store: it may be about to end. */
  async join(node: NodeInfo, lease: Millis): Promise<NodeLease> {
    const values = [node.id, JSON.stringify(node), lease];
    const until = performance.now() + limits.postgresBoot;
    for (;;) {
      try {
        return leaseFrom(node.id, await this.#calls.query(statements.join, values));
      } catch (error) {
        const isAlone = error instanceof Fault && error.reason === "STORE_LOCKED";
        if (!isAlone || performance.now() >= until) throw error;
        await setTimeout(limits.postgresBackoffFirst * 4);
      }
    }
  }

  async renew(id: NodeId, lease: Millis, heard: ReadonlyMap<SessionId, Instant>): Promise<NodeLease> {
    const said = JSON.stringify(Object.fromEntries(heard));
    return leaseFrom(id, await this.#calls.query(statements.renew, [id, lease, said]));
  }

  async drain(id: NodeId): Promise<void> {
    await this.#calls.query(statements.drain, [id]);
  }

  async leave(id: NodeId): Promise<void> {
    await this.#calls.query(statements.leave, [id]);
  }

  async list(): Promise<readonly NodeView[]> {
    return (await this.#calls.query(statements.list, [limits.nodesListed])).map(viewFrom);
  }

  async poll(query: PollQuery): Promise<Polled> {
    const [row] = await this.#calls.query(pollStatement, pollValues(query, this.#claimant));
    return polledFrom(row ?? []);
  }

  async takeOver(dead: NodeId | "", by: NodeId): Promise<boolean> {
    const [row] = await this.#calls.query(statements.takeOver, [dead, by]);
    return row?.[0] === true;
  }

  async runsOf(node: NodeId | "", after: RunId | undefined, limit: number): Promise<readonly RunRow[]> {
    const rows = await this.#calls.query(statements.runsOf, [node, after ?? "", limit]);
    return rows.map(([fixed, data]) => rowFrom<RunRow>(fixed, data));
  }

  async workersNamed(workerId: WorkerId): Promise<readonly WorkerRow[]> {
    const end = [...`,${JSON.stringify(workerId)}]`].reverse().join("");
    const rows = await this.#calls.query(statements.workersNamed, [end, `${end}\uffff`]);
    return rows.map(([data]) => JSON.parse(String(data)) as WorkerRow);
  }

  async workers(after: WorkerKey | undefined, limit: number): Promise<readonly WorkerSeen[]> {
    const rows = await this.#calls.query(statements.workers, [after ?? "", limit]);
    const nodes = [...new Set(rows.map(([, node]) => String(node)))];
    const said = nodes.length === 0 ? [] : await this.#calls.query(statements.heard, [nodes]);
    const heard = new Map(said.map(([id, text]) => [id, JSON.parse(String(text)) as Record<string, number>]));
    return rows.map(([data, node, session, activeRuns]) => ({
      row: JSON.parse(String(data)),
      activeRuns: Number(activeRuns),
      lastHeartbeatAt: instant(heard.get(node ?? "")?.[String(session)] ?? 0),
    }));
  }

  async removeGone(age: Millis, limit: number): Promise<number> {
    const [row] = await this.#calls.query(statements.removeGone, [age, limit]);
    return Number(row?.[0]);
  }
}

/** @throws {NodeGone} if there is no row: then the node is gone */
function leaseFrom(id: NodeId, [row]: readonly Cells[]): NodeLease {
  if (!row) throw new NodeGone(id);
  return { now: instant(Number(row[0])), until: instant(Number(row[1])) };
}

function viewFrom(row: Cells): NodeView {
  const [data, startedAt, leaseUntil, draining, isGone, hasLeft, takenBy, workers, runs, isCurrent] = row;
  return {
    ...(JSON.parse(String(data)) as NodeInfo),
    state: stateOf(draining === true, isGone === true, hasLeft === true, isCurrent === true),
    startedAt: instant(Number(startedAt)),
    leaseUntil: instant(Number(leaseUntil)),
    takenBy: String(takenBy) as NodeId | "",
    workers: Number(workers),
    runs: Number(runs),
  };
}

function stateOf(isDraining: boolean, isGone: boolean, hasLeft: boolean, isCurrent: boolean): NodeState {
  if (hasLeft) return "left";
  if (isGone || !isCurrent) return "lost";
  return isDraining ? "draining" : "live";
}
