/** How many tasks a second over PostgreSQL, beside other systems doing jobs on the same server: each in turn, in every round. */
import { noPostgres, PostgresServer } from "../../stores/postgres/server.js";
import { Child } from "../child.js";
import type { LoadResult } from "../load-words.js";
import { percentiles, type Say, type Sizes } from "../measures.js";
import { BenchPlane, type PlaneOptions } from "../plane.js";
import { type PeerName, type PeerOrder, peerNames } from "./names.js";

export const inFlights = [1, 64, 256] as const;
export type InFlight = (typeof inFlights)[number];

export const systems = ["TaskRun", ...peerNames] as const;
export type SystemName = (typeof systems)[number];

/** What one system has shown with so many in flight; one element a round. */
export interface PeerFigures {
  readonly inFlight: InFlight;
  readonly system: SystemName;
  readonly perSecond: readonly number[];
  readonly p50: readonly number[];
}

interface System {
  readonly name: SystemName;
  measure(order: PeerOrder): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** @throws {Error} if PostgreSQL is not installed */
export async function measurePeers(sizes: Sizes, options: PlaneOptions, say: Say): Promise<PeerFigures[]> {
  if (noPostgres) throw new Error(noPostgres);
  // As it comes: every commit waits for the disk.
  const server = await PostgresServer.start([]);
  const removed = () => server.abandon();
  process.once("exit", removed);
  const started: System[] = [];
  try {
    started.push(await startOurs(server, options));
    for (const name of peerNames) started.push(await startPeer(server, name));
    return await inTurn(started, sizes, say);
  } finally {
    await Promise.all(started.map((system) => system.stop()));
    await server.remove();
    process.off("exit", removed);
  }
}

async function startOurs(server: PostgresServer, options: PlaneOptions): Promise<System> {
  const store = await urlFor(server, "taskrun");
  const plane = await BenchPlane.start({ ...options, store });
  await plane.helper("worker");
  return {
    name: "TaskRun",
    measure: ({ inFlight, ms }) => plane.order({ type: "await", way: "run", inFlight, ms }),
    stop: () => plane.stop(),
  };
}

async function startPeer(server: PostgresServer, name: PeerName): Promise<System> {
  const url = await urlFor(server, `bench_${name.toLowerCase().replace("-", "_")}`);
  const child = await Child.start(new URL("./peer.js", import.meta.url), [name, url]);
  return { name, measure: (order) => child.order(order), stop: () => child.stop() };
}

/** A new database for each. */
async function urlFor(server: PostgresServer, database: string): Promise<string> {
  await server.query(`CREATE DATABASE ${database}`);
  return `postgres://taskrun:secret@127.0.0.1:${server.port}/${database}?sslmode=disable`;
}

/** The first round warms up and is not counted; the order turns with each round. */
async function inTurn(
  started: readonly System[],
  { rounds, roundMs }: Sizes,
  say: Say,
): Promise<PeerFigures[]> {
  const figures: PeerFigures[] = [];
  for (const inFlight of inFlights) {
    const seen = started.map(() => ({ perSecond: [] as number[], p50: [] as number[] }));
    for (let round = 0; round <= 2 * rounds; round++) {
      for (let turn = 0; turn < started.length; turn++) {
        const i = (round + turn) % started.length;
        const [system, rates] = [started[i], seen[i]];
        if (!system || !rates) continue;
        const { done, ms, latencies } = await system.measure({ inFlight, ms: roundMs });
        const perSecond = (1_000 * done) / ms;
        const { p50 } = percentiles(latencies);
        say(
          `${system.name}, ${inFlight} in flight, round ${round}: ${Math.round(perSecond)}/s, p50 ${p50.toFixed(2)} ms`,
        );
        if (round === 0) continue;
        rates.perSecond.push(perSecond);
        rates.p50.push(p50);
      }
    }
    for (const [i, { name }] of started.entries()) {
      const { perSecond = [], p50 = [] } = seen[i] ?? {};
      figures.push({ inFlight, system: name, perSecond, p50 });
    }
  }
  return figures;
}
