import type { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { Store } from "#ports/store";
import type { SupervisorParts } from "#runtime/supervisor";
import { type SharedMemory, sharedMemory } from "#stores/memory/shared";
import { cachingStore } from "#stores/shared/caching-store";
import { settle, VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench, TERMS } from "../../kit/bench-plane.js";
import type { BenchWorker } from "../../kit/bench-worker.js";
import { type NodeClockOptions, nodeClock } from "./node-clock.js";

export interface NodeOptions extends NodeClockOptions {
  /** What stands between this node and the memory that all share, e.g. a double that counts. */
  readonly through?: (store: Store) => Store;
  /** With the cache that a server has. Default true. */
  readonly caches?: boolean;
  /** More of the supervisor's parts: a broker, a mailbox. */
  readonly parts?: Partial<SupervisorParts>;
}

/** Several planes over one memory, under one virtual clock. */
export interface Nodes {
  readonly clock: VirtualClock;
  readonly memory: SharedMemory;
  /** Starts one more node. Each has a name of its own in the order of their starts. */
  start(options?: NodeOptions): Promise<BenchPlane>;
  /** Time goes by while these workers keep sending heartbeats. */
  pass(ms: number, ...alive: readonly BenchWorker[]): Promise<void>;
  /** What a client sees of a Task, as `BenchPlane.show` says it, by the memory itself. */
  show(taskId: TaskId): Promise<string>;
  settle(): Promise<void>;
}

/** An empty memory, and no node over it yet. */
export function noNodes(): Nodes {
  const clock = new VirtualClock(1_000_000);
  const memory = sharedMemory(() => clock.now());
  const started: BenchPlane[] = [];

  const start = async ({ through, caches = true, parts, ...clockOptions }: NodeOptions = {}) => {
    const own = memory.open();
    const store = through ? through(own) : own;
    const bench = await startBench(store, {
      clock,
      nodeClock: nodeClock(clock, clockOptions),
      seed: 1 + started.length,
      audited: memory.whole,
      ...(caches && { cache: cachingStore }),
      ...(parts && { parts }),
    });
    started.push(bench);
    return bench;
  };
  return {
    clock,
    memory,
    start,
    pass: async (ms, ...alive) => {
      for (let left = ms; left > 0; left -= TERMS.heartbeat) {
        await clock.advance(Math.min(left, TERMS.heartbeat));
        await Promise.all(alive.map((worker) => worker.alive()));
        await settle();
      }
    },
    show: async (taskId) => {
      const [bench] = started;
      if (!bench) throw new Error("there is no node");
      return bench.show(taskId);
    },
    settle,
  };
}

/** As many nodes, all started, over one memory. */
export async function startNodes(
  count: number,
  options: NodeOptions = {},
): Promise<Nodes & { readonly all: readonly BenchPlane[] }> {
  const nodes = noNodes();
  const all: BenchPlane[] = [];
  for (let i = 0; i < count; i += 1) all.push(await nodes.start(options));
  return { ...nodes, all };
}

/** The error of a request that must be refused. */
export async function refusalOf(request: Promise<unknown>): Promise<Fault> {
  return request.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: Fault) => error,
  );
}
