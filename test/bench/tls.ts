/**
 * What security costs the server: the same load on a plane without TLS and on one that speaks TLS, knows its worker by a
 * certificate that it has issued, checks a key with each call and writes an audit log. Both in turn, by pairs of rounds.
 */
import { align } from "./align.js";
import type { LoadOrder } from "./load-words.js";
import type { Say, Sizes } from "./measures.js";
import { BenchPlane, type PlaneOptions } from "./plane.js";
import { type Quartiles, quartiles } from "./quartiles.js";

/** Fewer pairs say nothing on a machine that is shared. */
const PAIRS_LEAST = 10;

const loads = {
  one: { title: "CPU a task, one at a time", most: 1.15 },
  many: { title: "CPU a task, 64 in flight", most: undefined },
  chunks: { title: "CPU an output chunk", most: 1.1 },
} as const;
type LoadName = keyof typeof loads;

export interface TlsFigures {
  readonly name: LoadName;
  /** Microseconds of server CPU for each task or chunk: medians. */
  readonly plainUs: number;
  readonly tlsUs: number;
  /** TLS by plain, of each pair: first quartile, median, third. */
  readonly ratio: Quartiles;
}

function orderOf(name: LoadName, { roundMs: ms, chunksPerTask }: Sizes): LoadOrder {
  switch (name) {
    case "one":
      return { type: "await", way: "run", inFlight: 1, ms };
    case "many":
      return { type: "await", way: "run", inFlight: 64, ms };
    case "chunks":
      return { type: "chunks", tasks: 4, chunks: chunksPerTask, bytes: 100 };
  }
}

export async function measureTls(sizes: Sizes, options: PlaneOptions, say: Say): Promise<TlsFigures[]> {
  const plain = await BenchPlane.start(options);
  const planes = [plain];
  try {
    const tls = await BenchPlane.start({ ...options, tls: true });
    planes.push(tls);
    for (const plane of planes) await plane.helper("worker");
    const figures: TlsFigures[] = [];
    for (const name of Object.keys(loads) as LoadName[]) {
      figures.push(await inPairs(name, plain, tls, sizes, say));
    }
    return figures;
  } finally {
    await Promise.all(planes.map((plane) => plane.stop()));
  }
}

/** The first pairs warm up and are not counted; the order turns with each pair. */
async function inPairs(
  name: LoadName,
  plain: BenchPlane,
  tls: BenchPlane,
  sizes: Sizes,
  say: Say,
): Promise<TlsFigures> {
  const order = orderOf(name, sizes);
  const pairs = Math.max(PAIRS_LEAST, 2 * sizes.rounds);
  const seen: { readonly plain: number; readonly tls: number }[] = [];
  for (let pair = -2; pair < pairs; pair++) {
    const first = pair % 2 === 0 ? plain : tls;
    const a = await cpuOf(first, order);
    const b = await cpuOf(first === plain ? tls : plain, order);
    const both = first === plain ? { plain: a, tls: b } : { plain: b, tls: a };
    if (pair < 0) continue;
    seen.push(both);
    say(`${name}, pair ${pair + 1}: ${both.plain.toFixed(0)} us without TLS, ${both.tls.toFixed(0)} with`);
  }
  return {
    name,
    plainUs: quartiles(seen.map((both) => both.plain))[1],
    tlsUs: quartiles(seen.map((both) => both.tls))[1],
    ratio: quartiles(seen.map((both) => both.tls / both.plain)),
  };
}

/** Microseconds of server CPU for each task or chunk. */
async function cpuOf(plane: BenchPlane, order: LoadOrder): Promise<number> {
  const before = await plane.metric("process_cpu_seconds_total");
  const { done } = await plane.order(order);
  return (1e6 * ((await plane.metric("process_cpu_seconds_total")) - before)) / done;
}

/** What is missed, in words. */
export function missedTls(figures: readonly TlsFigures[]): string[] {
  return figures.flatMap(({ name, ratio: [, median] }) => {
    const { title, most } = loads[name];
    if (most === undefined || median <= most) return [];
    return [`${title}: with TLS ${median.toFixed(2)} of that without, not at most ${most}`];
  });
}

/** The figures for people. */
export function tlsTable(figures: readonly TlsFigures[]): string {
  const title = ["server, microseconds", "plaintext", "TLS", "ratio (quartiles)", "must be"];
  const rows = figures.map(({ name, plainUs, tlsUs, ratio: [first, median, third] }) => {
    const { title: load, most } = loads[name];
    const ratio = `${median.toFixed(2)} (${first.toFixed(2)}–${third.toFixed(2)})`;
    return [load, plainUs.toFixed(0), tlsUs.toFixed(0), ratio, most === undefined ? "" : `≤ ${most}`];
  });
  return align([title, ...rows]);
}
