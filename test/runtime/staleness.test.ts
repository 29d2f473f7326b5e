import { expect, test } from "vitest";
import { authorize } from "#api/authorize";
import { listStaleness } from "#api/dead-letters/list-staleness";
import { type Request, run, StoredReads } from "#api/use-case";
import { defaultStaleTerms } from "#config/index";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import type { StaleHealth } from "#domain/task/staleness";
import { later, millis, NEVER } from "#domain/time/time";
import { StaleTasks } from "#runtime/timers/stale-tasks";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { stores } from "./kit/store-double.js";
import { begin, template, work, workflowBed } from "./kit/workflow-bench.js";

const MINUTE = 60_000;

interface Asked {
  readonly namespace?: string;
  readonly health?: StaleHealth;
  readonly pageSize?: number;
  readonly pageToken?: string;
}

/** Asks as a mount does. */
function page({ plane }: BenchPlane, asked: Asked = {}, caller: Caller = LOCAL_CALLER) {
  const services = { plane, stored: new StoredReads(plane.reads), authorize };
  const request = { services, caller, reserve: () => undefined } as unknown as Request;
  return run(listStaleness, { namespace: "", pageSize: 0, pageToken: "", ...asked }, request);
}

/** The health of each Task. */
async function healths(bench: BenchPlane, asked: Asked = {}) {
  const { tasks } = await page(bench, asked);
  return Object.fromEntries(tasks.map(({ task, staleness }) => [task.id, staleness.health]));
}

test.each(stores)(
  "a task is healthy, then a warning from four fifths of its threshold on, then stale ($name)",
  async ({ make }) => {
    const bench = await startBench(make().store);
    const { task: first } = await bench.create({ agentName: "nobody", priority: 7 });
    const { task: timed } = await begin(
      bench,
      template([{ name: "nap", type: "timer", timer: { delay_ms: 120 * MINUTE } }]),
    );
    await bench.clock.advance(6 * MINUTE);
    const { task: second } = await bench.create({ agentName: "nobody" });
    await bench.clock.advance(24 * MINUTE - 1);
    expect(await healths(bench)).toEqual({
      [first.id]: "WARNING",
      [timed.id]: "HEALTHY",
      [second.id]: "HEALTHY",
    });
    await bench.clock.advance(1);
    const { task: third } = await bench.create({ agentName: "nobody" });
    await bench.settle();
    expect(await healths(bench)).toEqual({
      [first.id]: "STALE",
      [timed.id]: "HEALTHY",
      [second.id]: "WARNING",
      [third.id]: "HEALTHY",
    });

    expect((await page(bench, { health: "STALE" })).tasks).toMatchObject([
      {
        task: { id: first.id, spec: { priority: 7 } },
        agentName: "nobody",
        staleness: {
          state: "enqueuing_steps",
          stepName: "main",
          rested: 30 * MINUTE,
          threshold: 30 * MINUTE,
          age: 30 * MINUTE,
          lifetime: 24 * 60 * MINUTE,
        },
      },
    ]);
    expect(await healths(bench, { health: "WARNING" })).toEqual({ [second.id]: "WARNING" });
  },
);

test("what is said to be stale is what the search gives a dead letter, and nothing else", async () => {
  const { bench, worker } = await workflowBed();
  const ask = { name: "ask", type: "signal", signal: { name: "approve" } } as const;
  const own = { max_waiting_for_dependencies_minutes: 5 };
  const begun = [
    await begin(bench, template([ask], { name: "own", lifecycle: own } as never)),
    await begin(bench, template([ask], { name: "plain" })),
    await begin(
      bench,
      template([{ ...ask, signal: { name: "go", timeout_ms: 7_200_000 } }], { name: "timed" }),
    ),
    await bench.create({ startAt: later(bench.clock.now(), millis(120 * MINUTE)) }),
    await bench.create(),
    await bench.create({ agentName: "held" }),
    await bench.create({ agentName: "nobody" }),
  ];
  const held = { kind: "agent", namespace: "default", name: "held", principal: "" } as const;
  await bench.plane.pause(LOCAL_CALLER, { scope: held, reason: "new release", until: NEVER });
  await work(bench, worker, () => "nothing");
  await bench.pass(50 * MINUTE, worker);

  const found = await healths(bench);
  expect(begun.map(({ task }) => found[task.id])).toEqual([
    ...["STALE", "WARNING", "HEALTHY", "HEALTHY", "HEALTHY", "HEALTHY", "STALE"],
  ]);
  expect(await new StaleTasks(bench.supervisor, defaultStaleTerms).sweep()).toBe(2);
  await bench.settle();
  const { letters } = await bench.store.reads.deadLetters.list({ namespaces: "*" }, undefined, 10);
  const stale = Object.keys(found).filter((id) => found[id] === "STALE");
  expect(letters.map(({ taskId }) => taskId).toSorted()).toEqual(stale.toSorted());
});

test("it goes page by page through the namespaces that the caller may use, and leaves out what has ended", async () => {
  const bench = await startBench();
  const mine: string[] = [];
  for (let i = 0; i < 3; i++) {
    mine.unshift((await bench.create({ agentName: "nobody" }, { namespace: "mine" })).task.id);
    await bench.create({ agentName: "nobody" }, { namespace: "theirs" });
  }
  const { task: ended } = await bench.create({ agentName: "nobody" }, { namespace: "mine" });
  await bench.cancel(ended.id);
  await bench.settle();
  const caller: Caller = { ...LOCAL_CALLER, namespaces: ["mine"] };

  for (const namespace of ["", "mine"]) {
    const seen: string[] = [];
    let pageToken = "";
    do {
      const { tasks, nextPageToken } = await page(bench, { namespace, pageSize: 2, pageToken }, caller);
      expect(tasks.length).toBeLessThanOrEqual(2);
      seen.push(...tasks.map(({ task }) => task.id));
      pageToken = nextPageToken;
    } while (pageToken !== "");
    expect(seen).toEqual(mine);
  }
  const { tasks: theirs } = await page(bench, { namespace: "theirs" });
  expect(theirs.map(({ task }) => task.namespace)).toEqual(["theirs", "theirs", "theirs"]);
  expect(await page(bench, { namespace: "theirs" }, caller)).toEqual({ tasks: [], nextPageToken: "" });
  await expect(page(bench, { pageToken: "?" })).rejects.toThrow(/page_?[tT]oken/);
  await expect(page(bench, { health: "BAD" as never })).rejects.toThrow("HEALTHY, WARNING, STALE");
});
