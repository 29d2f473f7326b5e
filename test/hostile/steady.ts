/**
 * Malformed requests in number, to a server that does nothing else: what it holds after them is what it held after a quarter of
 * them. Beside honest work this could not be seen: V8 lets the garbage of ordinary Tasks grow to several times what is reachable,
 * before it collects it.
 */
import { Fuzz } from "./fuzz.js";
import { flood } from "./kit.js";
import { ServerProcess } from "./server.js";

export const STEADY = "steady-memory";

const LANES = 16;
/** Of each of these the larger one is allowed: what is compiled and kept for the first time comes late, too. */
const RSS_MORE = { mb: 40, share: 0.1 };
const HEAP_MORE = { mb: 3, share: 0.05 };

interface Held {
  /** The most that the system saw while the last requests were answered. */
  readonly rssMb: number;
  /** What is reachable. */
  readonly heapMb: number;
}

/** @returns gates that did not hold, and what was seen, in words */
export async function steadyMemory(
  requests: number,
): Promise<{ readonly failures: readonly string[]; readonly notes: string }> {
  const server = await ServerProcess.start({ weighed: true });
  const fuzz = await Fuzz.of(server.ports);
  const quarter = Math.ceil(requests / 4);
  const send = async (from: number, to: number): Promise<Held> => {
    server.takePeakMb();
    const order = { lanes: LANES, most: to - from };
    await flood({ signal: new AbortController().signal }, order, (i) => fuzz.send(from + i));
    const rssMb = server.takePeakMb();
    const { heapBytes } = server.end === undefined ? await server.weigh() : { heapBytes: 0 };
    return { rssMb, heapMb: heapBytes / 2 ** 20 };
  };
  const begun = performance.now();
  const first = await send(0, quarter);
  await send(quarter, 3 * quarter);
  const last = await send(3 * quarter, 4 * quarter);
  const seconds = (performance.now() - begun) / 1_000;
  const { end } = server;
  fuzz.close();
  await server.stop();
  const failures =
    end === undefined
      ? [
          ...grown("RSS", first.rssMb, last.rssMb, RSS_MORE),
          ...grown("the heap", first.heapMb, last.heapMb, HEAP_MORE),
        ]
      : [end];
  const { wrong } = fuzz;
  if (wrong.length > 0)
    failures.push(`${wrong.length} were answered 500, the first ${wrong.slice(0, 3).join("\n")}`);
  const statuses = [...fuzz.statuses].sort().map(([said, count]) => `${count} × ${said}`);
  const seen = `RSS ${first.rssMb} → ${last.rssMb} MB, reachable ${first.heapMb.toFixed(1)} → ${last.heapMb.toFixed(1)} MB`;
  return {
    failures,
    notes: `${4 * quarter} requests, ${Math.round((4 * quarter) / seconds)} a second; after a quarter and in the end: ${seen}; ${statuses.join(", ")}`,
  };
}

function grown(what: string, before: number, after: number, { mb, share }: typeof RSS_MORE): string[] {
  const most = before + Math.max(mb, share * before);
  return after <= most ? [] : [`${what} grew from ${before.toFixed(1)} MB to ${after.toFixed(1)} MB`];
}
