/** The agents of `count_primes`: a sieve over the four quarters of a range. */
import { agent } from "taskrun/worker";
import { z } from "zod";

const oneHalf = z.object({ config: z.object({ of: z.string(), half: z.int().min(0).max(1) }) });

export const plan = agent({
  name: "primes_plan",
  input: z.object({ limit: z.int() }),
  async run({ limit }) {
    const root = Math.floor(Math.sqrt(limit));
    return { from: 2, to: limit, primes: sieve(2, root + 1, []) };
  },
});

/** Passes on the primes to sieve with, and half of the range. */
export const halve = agent({
  name: "primes_halve",
  input: oneHalf,
  async run({ config: { of, half } }, ctx) {
    const { primes, ...range } = await ctx.result(of);
    return { ...halfOf(range, half), primes };
  },
});

export const sieveQuarter = agent({
  name: "primes_sieve",
  input: oneHalf,
  async run({ config: { of, half } }, ctx) {
    const { primes, ...range } = await ctx.result(of);
    const { from, to } = halfOf(range, half);
    const found = sieve(from, to, primes);
    return {
      from,
      to,
      count: found.length,
      twins: found.filter((prime, i) => found[i + 1] === prime + 2).length,
      first: found[0] ?? null,
      last: found.at(-1) ?? null,
    };
  },
});

export const total = agent({
  name: "primes_total",
  input: z.object({ limit: z.int(), config: z.object({ of: z.array(z.string()) }) }),
  async run({ limit, config: { of } }, ctx) {
    const quarters = await Promise.all(of.map((name) => ctx.result(name)));
    const sum = (of) => quarters.reduce((all, quarter) => all + quarter[of], 0);
    // Twin primes may be on both sides of a boundary.
    const across = quarters.filter(({ last }, i) => last !== null && quarters[i + 1]?.first === last + 2);
    const largest = quarters.findLast(({ last }) => last !== null)?.last ?? null;
    return { limit, primes: sum("count"), twins: sum("twins") + across.length, largest };
  },
});

function halfOf({ from, to }, half) {
  const middle = from + Math.ceil((to - from) / 2);
  return half === 0 ? { from, to: middle } : { from: middle, to };
}

/**
 * The primes of [from, to).
 *
 * @param primes all up to the root of `to`; those below `from` that are missing are found on the way
 */
function sieve(from, to, primes) {
  const composite = new Uint8Array(Math.max(to - from, 0));
  const strike = (prime) => {
    for (let n = Math.max(prime * prime, Math.ceil(from / prime) * prime); n < to; n += prime) {
      composite[n - from] = 1;
    }
  };
  for (const prime of primes) strike(prime);
  const found = [];
  for (let n = from; n < to; n += 1) {
    if (composite[n - from] === 1) continue;
    found.push(n);
    if (n * n < to) strike(n);
  }
  return found;
}
