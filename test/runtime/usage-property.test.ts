/** Whatever happens to workers, Runs, Tasks and the process: each report of usage counts once, wherever it belongs. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import type { TaskRow } from "#domain/task/task";
import { addUsage, NO_USAGE, type Usage, usageOf } from "#domain/task/usage";
import type { Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import type { BenchWorker } from "./kit/bench-worker.js";

/** A Run that was given to the worker, and how many reports it has made. */
interface Told {
  readonly runId: RunId;
  readonly taskId: TaskId;
  next: number;
}

type Step =
  | { readonly does: "report" | "repeat" | "skip" | "complete" | "fail" | "cancel"; readonly which: number }
  | { readonly does: "crash" | "lose"; readonly which: number };

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom(
    ...([
      "report",
      "report",
      "report",
      "repeat",
      "skip",
      "complete",
      "fail",
      "cancel",
      "crash",
      "lose",
    ] as const),
  ),
  which: fc.nat(20),
});

/** The children of Tasks, by index: 1 and 2 are of the first, and 3 of the second. */
const parents = [undefined, 0, 0, 1];

/** A plane that is killed and started again over one store, and a worker of it. */
class World {
  readonly store: Store = memoryStore();
  readonly clock = new VirtualClock(1_000_000);
  readonly runs: Told[] = [];
  readonly tasks: TaskId[] = [];
  bench!: BenchPlane;
  worker!: BenchWorker;
  #starts = 0;

  async start(): Promise<void> {
    await this.clock.advance(1_000);
    this.bench = await startBench(this.store, { clock: this.clock, audit: false });
    await this.connect();
  }

  async connect(): Promise<void> {
    this.#starts += 1;
    this.worker = this.bench.worker("w1", { instance: `i${this.#starts}` });
    await this.rest();
  }

  async rest(): Promise<void> {
    await this.bench.settle();
    for (const { runId, taskId } of this.worker.assignments()) this.runs.push({ runId, taskId, next: 0 });
  }

  async create(): Promise<void> {
    for (const parent of parents) {
      const of = parent === undefined ? undefined : this.tasks[parent];
      const link = of && { parent: { taskId: of, stepName: "main" }, depth: 1 };
      const made = await this.bench.create({ maxAttempts: 3, ...link });
      await this.rest();
      this.tasks.push(this.runs.at(-1)?.taskId as TaskId);
      expect(made).toBeDefined();
    }
  }

  say({ runId }: Told, seq: number): Promise<void> {
    return this.worker.link.receive({ type: "usage", runId, fence: 1, seq, used: used(seq) });
  }

  async take({ does, which }: Step): Promise<void> {
    const run = this.runs[which % this.runs.length] as Told;
    if (does === "report") await this.say(run, run.next++);
    else if (does === "repeat" && run.next > 0) await this.say(run, which % run.next);
    else if (does === "skip") await this.say(run, run.next + 1);
    else if (does === "complete") await this.worker.report(run.runId, "COMPLETED");
    else if (does === "fail") await this.worker.report(run.runId, "FAILED", { errorMessage: "no" });
    else if (does === "cancel") {
      await this.bench.cancel(this.tasks[which % this.tasks.length] as TaskId).catch(() => undefined);
    } else if (does === "lose") {
      await this.bench.pass(40_000);
      await this.connect();
    } else if (does === "crash") {
      // Nobody knows whether it was counted: the worker sends it again.
      void this.say(run, run.next);
      this.bench.kill();
      await this.start();
      await this.say(run, run.next++);
    }
    await this.rest();
  }
}

const used = (seq: number) => ({
  ...{ model: seq % 2 === 0 ? "m" : "n", inputTokens: 100 + 7 * seq, outputTokens: seq },
  ...{ cachedTokens: 1, toolCalls: 2, ...(seq % 3 === 0 && { usdMicros: 5 + seq }) },
});

const sum = (all: readonly Usage[]) => all.reduce(addUsage, NO_USAGE);
const less = (a: Usage, b: Usage): Usage =>
  Object.fromEntries(Object.entries(a).map(([key, value]) => [key, value - b[key as keyof Usage]])) as never;
const said = (runs: readonly Told[]) =>
  sum(runs.flatMap(({ next }) => Array.from({ length: next }, (_, seq) => usageOf(used(seq)))));

test("sums in runs, tasks, those above and over all equal what was said, and the logs with what came late", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new World();
      await world.start();
      await world.create();
      for (const each of steps) await world.take(each);

      const details = await Promise.all(world.tasks.map((id) => world.store.reads.task(id)));
      const rows = details.map((detail) => detail?.task as TaskRow);
      const logs = await Promise.all(world.tasks.map((id) => world.bench.log(id)));
      const logged = logs.map((log) =>
        sum(log.flatMap((entry) => (entry.type === "usage" ? [usageOf(entry.used)] : []))),
      );
      const below = (i: number): number[] => [
        i,
        ...parents.flatMap((parent, child) => (parent === i ? below(child) : [])),
      ];
      for (const [i, row] of rows.entries()) {
        const own = world.runs.filter(({ taskId }) => below(i).some((each) => world.tasks[each] === taskId));
        expect(row.usage ?? NO_USAGE).toEqual(said(own));
        const withoutLate = less(row.usage ?? NO_USAGE, row.lateUsage ?? NO_USAGE);
        expect(withoutLate).toEqual(sum(below(i).map((each) => logged[each] as Usage)));
      }
      const stored = details.flatMap((detail) => detail?.runs ?? []) as RunRow[];
      for (const told of world.runs) {
        const row = stored.find(({ id }) => id === told.runId);
        expect(row?.usage ?? NO_USAGE).toEqual(said([told]));
      }
      const all = await world.store.reads.usage({ namespaces: "*", from: 0, until: 1_000_000 }, 1_000);
      expect(sum(all.map((each) => each.used))).toEqual(said(world.runs));
      world.bench.errors();
    }),
    { numRuns: 40 },
  );
});
