import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { instant } from "#domain/time/time";
import type { Store, StoreOutage } from "#ports/store";
import { Journal } from "#runtime/memory/journal";
import { RowsSeen } from "#runtime/memory/rows-seen";
import { Workspace } from "#runtime/memory/workspace";
import { memoryStore } from "#stores/memory/index";
import { loaded, run, runId, step, task, taskId } from "#testing/rows";
import { startBench } from "./kit/bench-plane.js";
import { refuseNext, storeDouble } from "./kit/store-double.js";

test("while the store is away requests are refused at once, and health says so", async () => {
  let outage: StoreOutage | undefined;
  const double = storeDouble();
  const bench = await startBench({ ...double, outage: () => outage });
  outage = { since: 1, message: "it cannot be reached" };
  await expect(bench.tryCreate()).rejects.toMatchObject({ code: "unavailable", reason: "STORE_UNAVAILABLE" });
  expect(bench.plane.health).toEqual({ store: outage });
  outage = undefined;
  expect(bench.plane.health).toEqual({});
  expect(await bench.tryCreate()).not.toBeInstanceOf(Fault);
});

test("a commit that finds the store away is refused, and the plane goes on", async () => {
  const double = storeDouble();
  const bench = await startBench(double);
  refuseNext(double, "unavailable");
  await expect(bench.tryCreate()).rejects.toMatchObject({ code: "unavailable" });
  expect(bench.fatal).toEqual([]);
  await bench.create();
});

test("deadlines that could not be read are looked for again", async () => {
  const inner = memoryStore();
  let reads = 0;
  const due: Store["due"] = async (at, limit) => {
    reads += 1;
    if (reads <= 2) throw new Fault("unavailable", "the test says so");
    return inner.due(at, limit);
  };
  const store: Store = { ...storeDouble(inner), due };
  const bench = await startBench(store);
  const { task } = await bench.create({ timeoutMs: 1_000 as never });
  await bench.pass(5_000);
  expect(await bench.show(task.id)).toMatch(/^(error|cancelled)/);
  expect(bench.fatal).toEqual([]);
});

test("a commit to a shared store says on which rows it rests, and one to another store does not", () => {
  const [written, read] = [taskId(1), taskId(2)];
  const work = new Workspace(new Journal());
  work.take(
    loaded({ tasks: [task(written), task(read)], steps: [step(written)], runs: [run(runId(1), read)] }),
  );
  const seen = new RowsSeen();
  work.seen = seen;
  work.putTask(task(written, { state: "steps_in_process" }));
  work.task(read);
  work.run(runId(1));
  const at = instant(1);
  expect(work.commit(at, "id")?.read).toBe(undefined);
  expect(work.commit(at, "id", { units: [seen] })?.read).toEqual([
    { kind: "tasks", id: read, revision: 1 },
    { kind: "runs", id: runId(1), revision: 1 },
  ]);
});

test("each commit has an id of its own, and a shared store is told what its commit rests on", async () => {
  const double = storeDouble();
  const bench = await startBench({ ...double, shared: true });
  await bench.cancel((await bench.create()).task.id);
  expect(double.tried.length).toBeGreaterThan(1);
  expect(new Set(double.tried.map(({ id }) => id)).size).toBe(double.tried.length);
  for (const { read } of double.tried) expect(read).toEqual([]);
});
