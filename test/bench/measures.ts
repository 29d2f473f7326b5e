import { setTimeout as pause } from "node:timers/promises";
import type { LoadOrder } from "./load-words.js";
import { BenchPlane, type PlaneOptions } from "./plane.js";

/** With many waiting tasks every rate is at least this share of that with few, whatever the machine. */
export const RATIO_LEAST = 0.8;

/** How much is measured. The quick sizes show that the bench works and catch gross losses, no more. */
export interface Sizes {
  /** Waiting tasks of the two planes that are compared. */
  readonly waiting: readonly [few: number, many: number];
  /**
   * Each rate is measured at least so often on both planes in turn, and the best counts: noise only ever slows.
   * While the ratio is missed it is measured again, up to three times as often.
   */
  readonly rounds: number;
  readonly roundMs: number;
  readonly chunksPerTask: number;
  readonly idleMs: number;
  readonly crowd: number;
  /** How long each workflow is run in each round, one at a time. */
  readonly workflowMs: number;
}

export const fullSizes: Sizes = {
  waiting: [100, 100_000],
  rounds: 3,
  roundMs: 3_000,
  chunksPerTask: 10_000,
  idleMs: 15_000,
  crowd: 500,
  workflowMs: 2_000,
};

export const quickSizes: Sizes = {
  waiting: [100, 10_000],
  rounds: 2,
  roundMs: 1_000,
  chunksPerTask: 5_000,
  idleMs: 3_000,
  crowd: 100,
  workflowMs: 500,
};

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

/** What one plane has shown. Rates are per second, times in milliseconds. */
export interface PlaneFigures {
  readonly waiting: number;
  readonly restartMs: number;
  readonly rates: Readonly<Partial<Record<RateName, number>>>;
  readonly latency?: Percentiles;
}

export const rateNames = ["one", "many", "batch", "chunks"] as const;
export type RateName = (typeof rateNames)[number];

/** What of a rate's order depends on the sizes of the run. */
function orderOf(name: RateName, { roundMs: ms, chunksPerTask }: Sizes): LoadOrder {
  switch (name) {
    case "one":
      return { type: "single", inFlight: 1, ms };
    case "many":
      return { type: "single", inFlight: 64, ms };
    case "batch":
      return { type: "batch", size: 500, lanes: 2, ms };
    case "chunks":
      return { type: "chunks", tasks: 4, chunks: chunksPerTask, bytes: 100 };
  }
}

/** What is said while it goes on. */
export type Say = (line: string) => void;

/**
 * Two planes, one with few and one with many waiting tasks. Both are killed and started again, then the rates
 * are measured in turn, so that whatever else the machine does hits both alike.
 */
export async function comparePlanes(
  names: readonly RateName[],
  sizes: Sizes,
  options: PlaneOptions,
  say: Say,
): Promise<PlaneFigures[]> {
  const planes = await startAll(sizes.waiting.map(() => BenchPlane.start(options)));
  try {
    const figures: {
      waiting: number;
      restartMs: number;
      rates: Partial<Record<RateName, number>>;
      latencies: number[];
    }[] = [];
    for (const [i, plane] of planes.entries()) {
      const waiting = sizes.waiting[i] ?? 0;
      say(`creating ${waiting} tasks that wait for an agent nobody has`);
      await plane.order({ type: "backlog", count: waiting });
      const restartMs = await plane.restart();
      say(`restarted with ${waiting} waiting: serving ${Math.round(restartMs)} ms after SIGKILL`);
      figures.push({ waiting, restartMs, rates: {}, latencies: [] });
    }
    if (names.length > 0) for (const plane of planes) await warmUp(plane, sizes);

    for (const name of names) {
      const enough = () => (figures[1]?.rates[name] ?? 0) >= RATIO_LEAST * (figures[0]?.rates[name] ?? 0);
      for (let round = 1; round <= sizes.rounds || (!enough() && round <= 3 * sizes.rounds); round++) {
        for (const [i, plane] of planes.entries()) {
          const figure = figures[i];
          if (!figure) continue;
          const { done, ms, latencies } = await plane.order(orderOf(name, sizes));
          const rate = (1_000 * done) / ms;
          figure.rates[name] = Math.max(rate, figure.rates[name] ?? 0);
          if (name === "one") figure.latencies.push(...latencies);
          say(`${name}, round ${round}, ${figure.waiting} waiting: ${Math.round(rate)}/s`);
        }
      }
    }
    return figures.map(({ latencies, ...figure }) => {
      return latencies.length > 0 ? { ...figure, latency: percentiles(latencies) } : figure;
    });
  } finally {
    await Promise.all(planes.map((plane) => plane.stop()));
  }
}

/** The first thousands of tasks are run by code that is not compiled yet. */
async function warmUp(plane: BenchPlane, { roundMs }: Sizes): Promise<void> {
  await plane.helper("worker");
  await plane.order({ type: "single", inFlight: 64, ms: roundMs });
  await plane.order({ type: "chunks", tasks: 4, chunks: 500, bytes: 100 });
}

export function percentiles(latencies: readonly number[]): Percentiles {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** CPU of a server with one idle worker, in per cent of one core. */
export async function idleCpu({ idleMs }: Sizes, options: PlaneOptions): Promise<number> {
  const plane = await BenchPlane.start(options);
  try {
    await plane.helper("worker");
    await pause(2_000); // what the start has left to do is not idleness
    const before = await plane.metric("process_cpu_seconds_total");
    const begin = performance.now();
    await pause(idleMs);
    const used = (await plane.metric("process_cpu_seconds_total")) - before;
    return (100_000 * used) / (performance.now() - begin);
  } finally {
    await plane.stop();
  }
}

/** What each further idle worker costs the server, in bytes. */
export async function memoryPerWorker({ crowd }: Sizes, options: PlaneOptions): Promise<number> {
  const plane = await BenchPlane.start(options);
  try {
    // The first ones pay for code and caches that all share.
    await plane.helper("crowd", String(Math.ceil(crowd / 10)));
    await pause(1_000);
    const before = await plane.metric("process_resident_memory_bytes");
    await plane.helper("crowd", String(crowd), "more");
    await pause(3_000);
    const after = await plane.metric("process_resident_memory_bytes");
    return Math.max(0, after - before) / crowd;
  } finally {
    await plane.stop();
  }
}

/** All of them, or none: one that does not start ends the others. */
async function startAll(starting: readonly Promise<BenchPlane>[]): Promise<BenchPlane[]> {
  const settled = await Promise.allSettled(starting);
  const planes = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = settled.find((one) => one.status === "rejected");
  if (failed?.status === "rejected") {
    await Promise.all(planes.map((plane) => plane.stop()));
    throw failed.reason;
  }
  return planes;
}
