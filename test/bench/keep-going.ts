import type { LoadResult } from "./load-words.js";

/** Latencies kept of one order: enough for any percentile. */
const SAMPLES = 100_000;

/** Keeps `inFlight` pieces of work going for `ms`; `each` is given the number of its lane. */
export async function keepGoing(
  inFlight: number,
  ms: number,
  each: (lane: number) => Promise<void>,
): Promise<LoadResult> {
  const latencies: number[] = [];
  const begin = performance.now();
  let done = 0;
  const lane = async (number: number) => {
    for (let at = performance.now(); at < begin + ms; at = performance.now()) {
      await each(number);
      done += 1;
      if (latencies.length < SAMPLES) latencies.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, number) => lane(number)));
  return { done, ms: performance.now() - begin, latencies: latencies.sort((a, b) => a - b) };
}
