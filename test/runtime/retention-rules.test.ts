/** Ended Tasks are kept as their namespace and status say, and are exported before they go, or stay. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { EndedStatus } from "#domain/task/retention";
import { millis } from "#domain/time/time";
import { openExportFolder } from "#host/archive/folder";
import { importLines, newCount } from "#host/archive/import";
import { readLines } from "#host/archive/read";
import { EXPORT_FAILED, type TaskArchive } from "#ports/archive";
import type { Store } from "#ports/store";
import { Retention, type RetentionKeeps } from "#runtime/timers/retention";
import { memoryStore } from "#stores/memory/index";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";

const DAY = 24 * 3_600_000;
const root = mkdtempSync(join(tmpdir(), "taskrun-retention-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A Task that has ended so. */
async function ended(bench: BenchPlane, namespace: string, status: EndedStatus): Promise<TaskId> {
  const { task } = await bench.create({}, { namespace });
  if (status === "CANCELLED") await bench.cancel(task.id);
  else {
    const worker = bench.worker(`w-${task.id}`);
    await bench.settle();
    const [assigned] = worker.assignments();
    if (assigned) await worker.report(assigned.runId, status, { output: "1", errorMessage: "no" });
    worker.link.closed();
  }
  await bench.settle();
  return task.id;
}

async function sweeping(keeps: RetentionKeeps, archive?: TaskArchive, store: Store = memoryStore()) {
  const bench = await startBench(store);
  const retention = new Retention(
    bench.supervisor.core,
    bench.supervisor.followed,
    // Those that have failed are not kept for a person: that has tests of its own.
    { pending: millis(0), ...keeps },
    undefined,
    archive,
  );
  const left = async () => (await store.reads.tasks({ namespaces: "*" }, undefined, 1_000)).tasks.length;
  return { bench, retention, left, store };
}

test("a rule for namespace and status goes before one for the namespace, and that before the rest", async () => {
  const rules = [
    { namespace: "a", keep: millis(10 * DAY) },
    { namespace: "a", status: "FAILED", keep: millis(30 * DAY) },
    { namespace: "b", status: "COMPLETED", keep: millis(2 * DAY) },
  ] as const;
  const { bench, retention, store } = await sweeping({ others: millis(5 * DAY), rules });
  const made = new Map<string, TaskId>();
  for (const namespace of ["a", "b", "c"])
    for (const status of ["COMPLETED", "FAILED", "CANCELLED"] as const)
      made.set(`${namespace} ${status}`, await ended(bench, namespace, status));
  const goneAfter = async (days: number) => {
    await bench.clock.advance(days * DAY - bench.clock.now() + 1_100_000);
    await retention.sweep();
    const gone = [];
    for (const [name, id] of made) {
      if (await store.reads.task(id)) continue;
      gone.push(name);
      made.delete(name);
    }
    return gone;
  };
  expect(await goneAfter(1.9)).toEqual([]);
  expect(await goneAfter(2.1)).toEqual(["b COMPLETED"]);
  expect(await goneAfter(5.1)).toEqual(["b FAILED", "b CANCELLED", "c COMPLETED", "c FAILED", "c CANCELLED"]);
  expect(await goneAfter(10.1)).toEqual(["a COMPLETED", "a CANCELLED"]);
  expect(await goneAfter(29.9)).toEqual([]);
  expect(await goneAfter(30.1)).toEqual(["a FAILED"]);
});

test("what is removed has been exported before, and comes back as it was", async () => {
  const store = memoryStore();
  const folder = join(root, "exported");
  const archive = await openExportFolder(folder, store.reads, () => 0);
  const { bench, retention, left } = await sweeping({ others: millis(2 * DAY), rules: [] }, archive, store);
  const ids = [await ended(bench, "a", "COMPLETED"), await ended(bench, "a", "FAILED")];
  const letters = () => Promise.all(ids.map((id) => store.reads.deadLetters.get(id, "*")));
  const before = await Promise.all(ids.map((id) => store.reads.task(id)));
  const lettersBefore = await letters();
  await retention.sweep();
  expect(readdirSync(folder)).toEqual([]);
  await bench.clock.advance(3 * DAY);
  expect(await retention.sweep()).toBe(2);
  expect(await left()).toBe(0);
  const [name = ""] = readdirSync(folder);
  expect(readdirSync(folder)).toHaveLength(1);
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);

  const content = async function* () {
    yield readFileSync(join(folder, name));
  };
  const importing = { store, at: bench.clock.now(), uuid: () => "import" };
  const count = newCount();
  await importLines(name, readLines(name, content()), importing, count);
  expect(count.imported).toBe(2);
  expect(await Promise.all(ids.map((id) => store.reads.task(id)))).toEqual(before);
  expect(lettersBefore).toEqual([undefined, expect.objectContaining({ status: "PENDING" })]);
  expect(await letters()).toEqual(lettersBefore);
});

test("what cannot be exported is not removed, and the log says so until it can", async () => {
  let works = false;
  const put = async () => {
    if (!works) throw new Fault("unavailable", "cannot be exported: no room", { reason: EXPORT_FAILED });
  };
  const { bench, retention, left } = await sweeping({ others: millis(2 * DAY), rules: [] }, { put });
  await ended(bench, "a", "COMPLETED");
  await bench.clock.advance(3 * DAY);
  await expect(retention.sweep()).rejects.toMatchObject({ reason: EXPORT_FAILED });
  expect(await left()).toBe(1);
  retention.start();
  await bench.clock.advance(11 * 60_000);
  expect(bench.errors()).toEqual([expect.stringContaining("cannot be exported: no room")]);
  expect(await left()).toBe(1);
  works = true;
  await bench.clock.advance(11 * 60_000);
  expect(await left()).toBe(0);
  retention.stop();
});

test("a folder that nothing can be written to refuses the start, and later keeps what was to go", async () => {
  const store = memoryStore();
  await expect(openExportFolder(join(root, "none", "below"), store.reads, () => 0)).rejects.toMatchObject({
    code: "invalid",
  });
  const folder = join(root, "gone");
  const archive = await openExportFolder(folder, store.reads, () => 0);
  rmSync(folder, { recursive: true });
  await expect(archive.put(["t" as TaskId])).rejects.toMatchObject({ reason: EXPORT_FAILED });
});
