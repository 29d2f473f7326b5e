import type { NodeId, SessionId, WorkerId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import { type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import type { NodeInfo, NodeStore } from "#ports/nodes";
import type { Store } from "#ports/store";
import type { TestKit } from "../kit.js";

/** One empty store, and how several processes have it. */
export interface SharedFixture {
  /** The store as one more process has it, not yet booted. */
  open(): Promise<Store>;
  /** Lets the clock of the store go on; it may go on by itself as well. */
  pass(ms: number): Promise<void>;
}

/** Two processes, both booted. */
export interface Two {
  readonly a: Store;
  readonly b: Store;
  readonly nodes: { readonly a: NodeStore; readonly b: NodeStore };
  pass(ms: number): Promise<void>;
}

/** One group of tests. `two` boots two processes on an empty store, and closes them when the test is over. */
export interface SharedSuite extends TestKit {
  two(body: (processes: Two) => Promise<void>): Promise<void>;
}

export const LEASE = millis(60_000);
export const [first, second, third] = ["node-1", "node-2", "node-3"] as [NodeId, NodeId, NodeId];

export function nodeInfo(id: NodeId): NodeInfo {
  return { id, version: "1.2.3", hostname: "host", address: `${id}:7400` };
}

export function session(id: string, part: Partial<SessionRow> = {}): SessionRow {
  const workerId = "w1" as WorkerId;
  return {
    id: id as SessionId,
    state: "serving",
    principal: "local",
    instance: "i1",
    protocol: 2,
    info: { workerId, hostname: "h", version: "1", agents: [], labels: {}, namespaces: [] },
    capacity: 4,
    connectedAt: instant(1_000),
    ...part,
  };
}

export function workerRow(workerId: string, node: NodeId, part: Partial<WorkerRow> = {}): WorkerRow {
  return {
    key: workerRowKey("local", workerId as WorkerId),
    revision: 1,
    node,
    session: session(`session of ${workerId}`),
    drainReason: "",
    ...part,
  };
}
