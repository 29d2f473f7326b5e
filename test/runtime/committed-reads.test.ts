import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { Telemetry } from "#ports/telemetry";
import { showGauges } from "#runtime/gauges";
import type { Supervisor } from "#runtime/supervisor";
import { startBench } from "./kit/bench-plane.js";
import { refuseNext, storeDouble } from "./kit/store-double.js";

/** What a scrape would show now, by name, without what is 0. */
function gaugesOf(supervisor: Supervisor): () => Record<string, unknown> {
  const reads = new Map<string, Parameters<Telemetry["gauge"]>[1]>();
  const { telemetry } = supervisor.core;
  telemetry.gauge = (name, read) => reads.set(name, read);
  showGauges(supervisor);
  const names = ["tasks_waiting", "runs_held", "lanes", "workers_connected"] as const;
  return () => {
    const shown = names.map((name) => {
      const value = reads.get(`taskrun_${name}`)?.();
      if (typeof value !== "object") return [name, value] as const;
      const some = value.filter((sample) => sample.value > 0);
      return [name, some.map((sample) => `${sample.labels.status}: ${sample.value}`).join()] as const;
    });
    return Object.fromEntries(shown.filter(([, value]) => value !== 0 && value !== ""));
  };
}

test("clients and gauges see a worker, and what it holds, once that is stored", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const gauges = gaugesOf(bench.supervisor);
  const runs = async () =>
    (await bench.plane.workers(LOCAL_CALLER)).map(({ activeRuns, status }) => `${status} ${activeRuns}`);
  bench.worker("w");
  await bench.settle();
  expect(await runs()).toEqual(["IDLE 0"]);
  expect(gauges()).toEqual({ workers_connected: "idle: 1" });

  const open = store.block();
  const created = bench.create();
  await bench.settle();
  expect(bench.supervisor.core.memory.roster.heldCount).toBe(1);
  expect(await runs()).toEqual(["IDLE 0"]);
  expect(gauges()).toEqual({ workers_connected: "idle: 1" });

  open();
  await created;
  expect(await runs()).toEqual(["BUSY 1"]);
  expect(gauges()).toEqual({ runs_held: 1, workers_connected: "busy: 1" });
});

test("nobody sees a Task wait whose commit is not through, or was refused", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const gauges = gaugesOf(bench.supervisor);
  const open = store.block();
  const created = bench.create();
  await bench.settle();
  expect(bench.supervisor.core.memory.waiting).toBe(1);
  expect(gauges()).toEqual({});
  open();
  await created;
  expect(gauges()).toEqual({ tasks_waiting: 1, lanes: 1 });

  refuseNext(store, "disk_full");
  await expect(bench.tryCreate()).rejects.toMatchObject({ code: "disk_full" });
  expect(gauges()).toEqual({ tasks_waiting: 1, lanes: 1 });
});
