/** What it costs to await a task's end: by creating and watching it, and by RunTask, in turn in one run. */
import { align } from "./align.js";
import type { AwaitWay } from "./load-words.js";
import { type Percentiles, percentiles, type Say, type Sizes } from "./measures.js";
import { BenchPlane, type PlaneOptions } from "./plane.js";

/** How many times as fast RunTask must be as create and watch, by the number of tasks in flight. */
const LEAST = { 1: 1.25, 64: 1.5, 256: 1.5 } as const;
const IN_FLIGHT = [1, 64, 256] as const;
const WAYS = ["watch", "run"] as const;

/** Aims on two cores; shown and not judged, since machines differ. */
const aims = { perSecond: 2_500, oneMs: 2 } as const;

export interface EndFigures {
  readonly inFlight: (typeof IN_FLIGHT)[number];
  /** Of each way: tasks per second in its best round, and the latencies of all rounds. */
  readonly watch: WayFigures;
  readonly run: WayFigures;
}

interface WayFigures extends Percentiles {
  readonly perSecond: number;
}

/** Both ways in turn, in each round, so that whatever else the machine does hits both alike. */
export async function measureEnds(
  { rounds, roundMs }: Sizes,
  options: PlaneOptions,
  say: Say,
): Promise<EndFigures[]> {
  const plane = await BenchPlane.start(options);
  try {
    await plane.helper("worker");
    for (const way of WAYS) await plane.order({ type: "await", way, inFlight: 64, ms: roundMs });
    const figures: EndFigures[] = [];
    for (const inFlight of IN_FLIGHT) {
      const seen = {
        watch: { perSecond: 0, latencies: [] as number[] },
        run: { perSecond: 0, latencies: [] as number[] },
      };
      for (let round = 1; round <= 2 * rounds; round++) {
        for (const way of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
          const { done, ms, latencies } = await plane.order({ type: "await", way, inFlight, ms: roundMs });
          const perSecond = (1_000 * done) / ms;
          seen[way].perSecond = Math.max(perSecond, seen[way].perSecond);
          seen[way].latencies.push(...latencies);
          say(`await by ${way}, ${inFlight} in flight, round ${round}: ${Math.round(perSecond)}/s`);
        }
      }
      const figuresOf = (way: AwaitWay) => ({
        perSecond: seen[way].perSecond,
        ...percentiles(seen[way].latencies),
      });
      figures.push({ inFlight, watch: figuresOf("watch"), run: figuresOf("run") });
    }
    return figures;
  } finally {
    await plane.stop();
  }
}

/** How many times as fast RunTask is: one at a time by the time that one takes, else by the rate. */
function ratioOf({ inFlight, watch, run }: EndFigures): number {
  return inFlight === 1 ? watch.p50 / run.p50 : run.perSecond / watch.perSecond;
}

/** What is missed, in words. */
export function missedEnds(figures: readonly EndFigures[]): string[] {
  return figures.flatMap((each) => {
    const ratio = ratioOf(each);
    const least = LEAST[each.inFlight];
    if (ratio >= least) return [];
    return [
      `RunTask, ${each.inFlight} in flight: ${ratio.toFixed(2)} times as fast as create and watch, not ${least}`,
    ];
  });
}

/** The figures for people. */
export function endTable(figures: readonly EndFigures[]): string {
  const title = ["a task and its result", "create + watch", "RunTask", "times as fast", "must be", "aim"];
  const rows = figures.flatMap((each) => {
    const { inFlight, watch, run } = each;
    const judged = [ratioOf(each).toFixed(2), `≥ ${LEAST[inFlight]}`];
    const p50 = [watch.p50.toFixed(2), run.p50.toFixed(2)];
    const rate = [watch.perSecond.toFixed(0), run.perSecond.toFixed(0)];
    if (inFlight === 1) return [["p50 ms, one at a time", ...p50, ...judged, `< ${aims.oneMs}`]];
    return [
      [`tasks/s, ${inFlight} in flight`, ...rate, ...judged, inFlight === 256 ? String(aims.perSecond) : ""],
      [`p50 ms, ${inFlight} in flight`, ...p50, "", "", ""],
    ];
  });
  return align([title, ...rows]);
}
