/**
 * `count_primes` in code instead of YAML, with a loop for similar steps. It is the same template as
 * `templates/count_primes.yaml`, so registering both changes nothing.
 */
import { workflow } from "taskrun/templates";

const halves = [0, 1];

export const countPrimes = workflow(
  "count_primes",
  {
    namespace: "example",
    version: "1.0.0",
    description: "Counts the primes below a limit, a quarter of the range in each of four steps.",
    metadata: { tags: ["example", "tree"] },
    input: {
      type: "object",
      required: ["limit"],
      properties: { limit: { type: "integer", minimum: 100, maximum: 10_000_000 } },
    },
  },
  (w) => {
    const plan = w.step("plan", {
      agent: "primes_plan",
      description: "The primes up to the root of the limit, with which the quarters sieve.",
    });
    /** One of the two halves of another step's range. */
    const halfOf = (of, half, name, agent) =>
      w.step(name, { agent, config: { of: of.name, half }, after: [of] });

    const [lower, upper] = ["lower", "upper"].map((name, half) => halfOf(plan, half, name, "primes_halve"));
    const [first, second] = halves.map((half) =>
      halfOf(lower, half, ["first", "second"][half], "primes_sieve"),
    );
    const [third, fourth] = halves.map((half) =>
      halfOf(upper, half, ["third", "fourth"][half], "primes_sieve"),
    );
    const quarters = [first, second, third, fourth];
    return w.step("total", {
      agent: "primes_total",
      config: { of: quarters.map(({ name }) => name) },
      after: quarters,
      result: { type: "object", required: ["limit", "primes", "twins", "largest"] },
    });
  },
);
