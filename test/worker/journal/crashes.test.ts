import fc from "fast-check";
import { expect, test } from "vitest";
import { AgentError } from "#worker/agent/error";
import type { EarlierRecord } from "#worker/journal/journal";
import { type Ctx, runWith } from "./kit.js";

/*
 * Random agents of sequential and parallel steps, whose Worker is lost at every record. Time is random in each Run anew: how long a piece
 * of work takes, and which of several waits is over first.
 */

type Fate = "result" | "throws" | "says it may be tried again";

interface Step {
  readonly type: "step";
  readonly name: string;
  readonly effect: "read" | "idempotent" | "once";
  readonly fate: Fate;
}

type Part =
  | Step
  | { readonly type: "sleep" }
  | { readonly type: "race"; readonly count: number }
  | { readonly type: "hops"; readonly count: number }
  | { readonly type: "sequence" | "parallel"; readonly parts: readonly Part[] };

const step = fc.record({
  type: fc.constant("step" as const),
  name: fc.constantFrom("a", "b"),
  effect: fc.constantFrom("read" as const, "idempotent" as const, "once" as const),
  fate: fc.constantFrom<Fate>("result", "result", "throws", "says it may be tried again"),
});

const { part } = fc.letrec<{ part: Part }>((tie) => {
  const parts = fc.array(tie("part"), { minLength: 1, maxLength: 4 });
  return {
    part: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      step,
      fc.constant({ type: "sleep" as const }),
      fc.record({ type: fc.constant("race" as const), count: fc.integer({ min: 2, max: 3 }) }),
      fc.record({ type: fc.constant("hops" as const), count: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ type: fc.constant("sequence" as const), parts }),
      fc.record({ type: fc.constant("parallel" as const), parts }),
    ),
  };
});

/** What the agents change: kept when their Workers are lost. */
class World {
  /** How often each once step was really done. */
  readonly done = new Map<string, number>();
  /** Which was the first of several waits. */
  readonly won = new Map<string, number>();
  /** Grows with each Run: what an earlier one still does changes nothing any more. */
  run = 0;
  readonly #chance: () => number;

  constructor(seed: number) {
    let state = seed;
    this.#chance = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#chance() * items.length)] as Item;
  }

  async delay(): Promise<void> {
    for (let turns = this.pick([0, 0, 1, 2, 5]); turns > 0; turns -= 1) await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a part comes to: the same in each Run that comes to its end. */
async function doPart(part: Part, place: string, ctx: Ctx, world: World): Promise<unknown> {
  switch (part.type) {
    case "sleep":
      return ctx.sleep(5);
    case "race": {
      const waits = Array.from({ length: part.count }, async (_, i) => {
        await ctx.waitForSignal(`${place} ${i}`);
        return i;
      });
      const first = await Promise.race(waits);
      expect(first).toBe(world.won.get(place) ?? first);
      world.won.set(place, first);
      await ctx.step(`${place} was won by ${first}`, () => 1);
      return "raced";
    }
    case "hops":
      for (let hop = 0; hop < part.count; hop += 1) await undefined;
      return "hops";
    case "parallel":
      return Promise.all(part.parts.map((inner, i) => doPart(inner, `${place}/${i}`, ctx, world)));
    case "sequence": {
      const results: unknown[] = [];
      for (const [i, inner] of part.parts.entries()) {
        results.push(await doPart(inner, `${place}.${i}`, ctx, world));
      }
      return results;
    }
    case "step":
      return doStep(part, place, ctx, world);
  }
}

async function doStep({ name, effect, fate }: Step, place: string, ctx: Ctx, world: World): Promise<unknown> {
  const { run } = world;
  const end = () => {
    if (fate === "throws") throw new RangeError(`${place} fails`);
    return `${place} is done`;
  };
  const work = async () => {
    await world.delay();
    if (world.run !== run) return new Promise(() => {}); // its worker is lost
    if (fate === "says it may be tried again") throw new AgentError(`${place} is busy`, { retryable: true });
    world.done.set(place, (world.done.get(place) ?? 0) + 1);
    await world.delay();
    return end();
  };
  // Which of several that run at once is asked for first may be another one each time: then their input tells them apart.
  const input = place.includes("/") ? place : undefined;
  const verify = () =>
    world.done.has(place) ? { done: true as const, result: end() } : { done: false as const };
  try {
    return await ctx.step(name, work, { effect, input, ...(effect === "once" && { verify }) });
  } catch (error) {
    if (!(error instanceof Error) || error.name === "RunStopped") throw error;
    return `${error.name}: ${error.message}`;
  }
}

/** Runs the agent until it has returned, with a Worker that is lost at these records. */
async function runToEnd(root: Part, seed: number, losses: readonly number[]) {
  const world = new World(seed);
  let journal: EarlierRecord[] = [];
  for (const lostAt of [...losses, Number.POSITIVE_INFINITY]) {
    for (;;) {
      world.run += 1;
      const run = await runWith((ctx) => doPart(root, "", ctx, world), journal, lostAt);
      journal = [...run.journal];
      if (run.came.to === "loss") break;
      if (run.came.to === "error") throw run.came.error;
      if (run.came.to === "result") return { result: run.came.result, records: journal.length, world };
      expect(run.came.count).toBe(journal.length);
      const first = world.pick(run.came.entries);
      journal.push(over(journal, first));
      const others = run.came.entries.filter((entry) => entry !== first);
      if (others.length > 0 && world.pick([true, false])) journal.push(over(journal, world.pick(others)));
    }
  }
  throw new Error("unreachable");
}

/** The record by which a plane says that a wait is over. */
function over(journal: readonly EarlierRecord[], entry: number): EarlierRecord {
  const begun = journal.find((record) => record.entry === entry) as EarlierRecord;
  const { wait: _, ...rest } = begun;
  return { ...rest, seq: journal.length, state: "COMPLETED" };
}

test("wherever its worker is lost, an agent comes to what it would have come to, and does nothing twice that it must do once", async () => {
  await fc.assert(
    fc.asyncProperty(part, fc.integer({ min: 0, max: 2 ** 31 }), async (root, seed) => {
      const undisturbed = await runToEnd(root, seed, []);
      for (let lostAt = 0; lostAt < undisturbed.records; lostAt += 1) {
        const { result, world } = await runToEnd(root, seed + lostAt, [lostAt]);
        expect(result).toEqual(undisturbed.result);
        checkOnce(root, world);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("so it does if it is lost again and again", async () => {
  await fc.assert(
    fc.asyncProperty(
      part,
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 }),
      async (root, seed, losses) => {
        const undisturbed = await runToEnd(root, seed, []);
        const { result, world } = await runToEnd(
          root,
          seed + 1,
          losses.toSorted((a, b) => a - b),
        );
        expect(result).toEqual(undisturbed.result);
        checkOnce(root, world);
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);

function checkOnce(root: Part, world: World): void {
  for (const place of oncePlaces(root, "")) expect(world.done.get(place) ?? 0).toBeLessThanOrEqual(1);
}

function oncePlaces(part: Part, place: string): string[] {
  if (part.type === "step") return part.effect === "once" ? [place] : [];
  if (part.type === "sleep" || part.type === "hops" || part.type === "race") return [];
  const by = part.type === "parallel" ? "/" : ".";
  return part.parts.flatMap((inner, i) => oncePlaces(inner, `${place}${by}${i}`));
}
