/** What a store holds, in the metrics: counted when they are read, seldom, a few Tasks at a time. */
import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import type { NamespaceFigures } from "#domain/task/figures";
import { instant } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { nodeTelemetry } from "#host/telemetry";
import { limits } from "#limits/index";
import type { FiguresPage } from "#ports/store";
import type { GaugeName, LabelledValue } from "#ports/telemetry";
import { StorageGauges } from "#runtime/storage-gauges";
import { memoryStore } from "#stores/memory/index";
import { commit, ended, line, step, task, taskId } from "#testing/rows";
import { VirtualClock } from "#testing/virtual-time";
import { startBench } from "./kit/bench-plane.js";

const figures = (namespace: string, bytes: number, tasks = 1): NamespaceFigures => ({
  ...{ namespace, tasks, ended: 0, steps: 1, runs: 1 },
  ...{ inputBytes: bytes, resultBytes: 2 * bytes, logBytes: 3 * bytes },
});

/** Gauges over a store of one page for each element, and how they are read. */
function shown(pages: () => readonly (readonly NamespaceFigures[])[], clock = new VirtualClock(1_000)) {
  const gauges = new Map<GaugeName, () => number | readonly LabelledValue[]>();
  const asked: { readonly after: TaskId | undefined; readonly limit: number }[] = [];
  const warnings: string[] = [];
  const silent = silentTelemetry();
  const telemetry = {
    ...silent,
    log: { ...silent.log, warn: (message: string) => void warnings.push(message) },
    gauge: (name: GaugeName, read: () => number | readonly LabelledValue[]) => void gauges.set(name, read),
  };
  const counting = async (after: TaskId | undefined, limit: number): Promise<FiguresPage> => {
    asked.push({ after, limit });
    const at = after === undefined ? 0 : Number(after);
    const namespaces = pages()[at] ?? [];
    return { namespaces, next: at + 1 < pages().length ? (String(at + 1) as TaskId) : undefined };
  };
  const storage = new StorageGauges({ clock, telemetry, store: { figures: counting } });
  /** As a scrape reads it, and what it has begun has ended. */
  const scrape = async (name: GaugeName = "taskrun_store_tasks") => {
    const read = gauges.get(name)?.() ?? [];
    await clock.advance(0);
    const values = typeof read === "number" ? [{ labels: {}, value: read }] : read;
    return values.map(({ labels, value }) => [...Object.values(labels), value]);
  };
  return { clock, scrape, asked, warnings, storage };
}

test("nothing is counted, and no timer set, before the metrics are read; then it is, and shown the next time", async () => {
  const { clock, scrape, asked } = shown(() => [[figures("a", 10, 2)], [figures("a", 1), figures("b", 5)]]);
  await clock.advance(10 * limits.storageEvery);
  expect([asked, clock.pending()]).toEqual([[], []]);
  expect(await scrape("taskrun_store_bytes")).toEqual([]);
  expect(await scrape("taskrun_store_counted_timestamp_seconds")).toEqual([[0]]);
  expect(await scrape()).toEqual([]);
  expect(asked.map(({ after }) => after)).toEqual([undefined, "1"]);
  expect(clock.pending()).toEqual([]);
  await clock.advance(7_000);
  expect(await scrape()).toEqual([
    ["a", 3],
    ["b", 1],
  ]);
  expect(await scrape("taskrun_store_bytes")).toEqual([
    ["a", "inputs", 11],
    ["a", "results", 22],
    ["a", "logs", 33],
    ["b", "inputs", 5],
    ["b", "results", 10],
    ["b", "logs", 15],
  ]);
  expect(await scrape("taskrun_store_counted_timestamp_seconds")).toEqual([
    [1 + (10 * limits.storageEvery) / 1_000],
  ]);
});

test("however often the metrics are read, it is counted once in five minutes", async () => {
  let tasks = 1;
  const { clock, scrape, asked } = shown(() => [[figures("a", 10, tasks)]]);
  for (let seconds = 0; seconds < 300; seconds += 15) {
    await scrape();
    await clock.advance(15_000);
  }
  expect(asked).toHaveLength(1);
  tasks = 2;
  expect(await scrape()).toEqual([["a", 1]]);
  expect(asked).toHaveLength(2);
  expect(await scrape()).toEqual([["a", 2]]);
});

test("the largest namespaces have series of their own; all others are one, with one that is called so", async () => {
  const many = Array.from({ length: limits.storageNamespaces + 5 }, (_, i) => figures(`n${i}`, 10 + i));
  const { scrape } = shown(() => [[figures("other", 1_000, 7)], many]);
  await scrape();
  const found = await scrape();
  expect(found).toHaveLength(limits.storageNamespaces + 1);
  expect(found[0]).toEqual([`n${many.length - 1}`, 1]);
  expect(found.at(-2)).toEqual(["n5", 1]);
  expect(found.at(-1)).toEqual(["other", 12]);
  const bytes = await scrape("taskrun_store_bytes");
  expect(bytes.at(-3)).toEqual(["other", "inputs", 1_000 + 10 + 11 + 12 + 13 + 14]);
  expect(bytes).toHaveLength(3 * (limits.storageNamespaces + 1));
});

test("of more namespaces than are kept apart none is lost", async () => {
  const most = limits.storageNamespacesKept;
  const many = Array.from({ length: most + 10 }, (_, i) => figures(`n${i}`, 1));
  const { scrape } = shown(() => [many, [figures("n0", 5), figures(`n${most + 1}`, 50)]]);
  await scrape();
  const found = await scrape();
  expect(found[0]).toEqual(["n0", 2]);
  expect(found.reduce((sum, [, tasks]) => sum + Number(tasks), 0)).toBe(most + 12);
});

test("a round counts a bounded number of tasks, and the next one goes on: the gauges change when all are counted", async () => {
  const pages = Array.from({ length: limits.storagePieces + 3 }, () => [figures("a", 1)]);
  const { clock, scrape, asked } = shown(() => pages);
  await scrape();
  expect(asked).toHaveLength(limits.storagePieces);
  expect(asked.every(({ limit }) => limit === limits.storagePiece)).toBe(true);
  expect(await scrape()).toEqual([]);
  await clock.advance(limits.storageEvery);
  await scrape();
  expect(asked).toHaveLength(pages.length);
  expect(await scrape()).toEqual([["a", pages.length]]);
});

test("what cannot be counted is said, and tried again where it stopped; what was counted before stays", async () => {
  let fails = false;
  const { clock, scrape, asked, warnings, storage } = shown(() => {
    if (fails && asked.at(-1)?.after === "1") throw new Error("away");
    return [[figures("a", 1)], [figures("b", 1)]];
  });
  await scrape();
  fails = true;
  await clock.advance(limits.storageEvery);
  await scrape();
  expect(warnings).toEqual(["what the store holds could not be counted; trying again later"]);
  expect(await scrape()).toHaveLength(2);
  fails = false;
  await clock.advance(limits.storageEvery);
  await scrape();
  expect(asked.map(({ after }) => after)).toEqual([undefined, "1", undefined, "1", "1"]);
  expect(await scrape("taskrun_store_counted_timestamp_seconds")).toEqual([[clock.now() / 1_000]]);

  storage.stop();
  await clock.advance(limits.storageEvery);
  expect(await scrape()).toHaveLength(2);
  expect(asked).toHaveLength(5);
});

test("as a scrape of Prometheus sees a real store", async () => {
  const store = memoryStore();
  await store.boot();
  const [a, b] = [taskId(1), taskId(2)];
  await store.commit(
    commit({
      tasks: [task(a), task(b, { namespace: "big" })],
      steps: [step(a)],
      inputs: [{ taskId: a, json: '{"ü":1}' }],
      log: [{ taskId: b, entries: [line("x".repeat(500))] }],
    }),
  );
  const telemetry = nodeTelemetry({ log: silentTelemetry().log, measuresProcess: false });
  const clock = new VirtualClock(1_000);
  new StorageGauges({ clock, telemetry, store });
  const series = async () => {
    const text = await telemetry.metrics.render();
    await clock.advance(0);
    return text.split("\n").filter((each) => each.startsWith("taskrun_store_"));
  };
  expect(await series()).toEqual(["taskrun_store_counted_timestamp_seconds 0"]);
  const found = await series();
  expect(found).toContain('taskrun_store_tasks{namespace="big"} 1');
  expect(found).toContain('taskrun_store_bytes{namespace="default",of="inputs"} 8');
  expect(found.find((each) => each.includes('"big",of="logs"'))).toMatch(/ 5\d\d$/);
  expect(found).toContain("taskrun_store_counted_timestamp_seconds 1");

  // Of a namespace whose Tasks are gone no series is left.
  await store.commit(commit({ tasks: [ended(task(b, { namespace: "big", counts: {} }), 50)] }));
  await store.removeFinished(instant(100), 10);
  await clock.advance(limits.storageEvery);
  await series();
  expect((await series()).filter((each) => each.includes("big"))).toEqual([]);
});

test("an idle plane has no timer for it", async () => {
  const bench = await startBench();
  const before = bench.clock.pending();
  new StorageGauges(bench.supervisor.core);
  expect(bench.clock.pending()).toEqual(before);
});
