import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import type { BenchPlane } from "../kit/bench-plane.js";
import { startNodes } from "./kit/nodes.js";

/** How long a wake-up that was lost may keep a watcher waiting. */
const A_POLL = 5_000;

function follow({ plane }: BenchPlane, taskId: TaskId) {
  const state = { seen: [] as string[], ended: false };
  void (async () => {
    for await (const { firstSeq, entries } of plane.watch(
      LOCAL_CALLER,
      taskId,
      0,
      new AbortController().signal,
    )) {
      expect(firstSeq).toBe(state.seen.length + 1);
      for (const entry of entries) state.seen.push(entry.type === "output" ? entry.content : entry.type);
    }
    state.ended = true;
  })();
  return state;
}

test("watchers on every node see one log, live and to its end", async () => {
  const { all, pass, settle } = await startNodes(3);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId } = worker.assigned();
  const watchers = all.map((bench) => follow(bench, task.id));
  await settle();

  await worker.output(runId, 0, "one");
  await pass(A_POLL, worker);
  for (const { seen } of watchers) expect(seen.at(-1)).toBe("one");
  await worker.output(runId, 1, "two");
  await b.cancel(task.id);
  await worker.report(runId, "CANCELLED");
  await pass(A_POLL, worker);
  const log = await a.log(task.id);
  for (const { seen, ended } of watchers) {
    expect(ended).toBe(true);
    expect(seen).toEqual(log.map((entry) => (entry.type === "output" ? entry.content : entry.type)));
  }
});

test("who waits for the end of a task is woken on every node", async () => {
  const { all, pass, settle } = await startNodes(3);
  const [a] = all as [(typeof all)[0]];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId } = worker.assigned();
  const ends: string[] = [];
  for (const { plane } of all) {
    const wait = plane.wait(LOCAL_CALLER, task.id);
    void wait.ended(millis(60_000), new AbortController().signal).then(({ type }) => ends.push(type));
  }
  await worker.report(runId, "COMPLETED");
  await pass(A_POLL, worker);
  expect(ends).toEqual(["ended", "ended", "ended"]);
});

test("a deadline passes once, whichever node is there to see it", async () => {
  const { all, pass, show } = await startNodes(3);
  const [a] = all as [(typeof all)[0]];
  const { task } = await a.create({ timeoutMs: millis(60_000) });
  a.kill();
  await pass(60_000 + 2 * A_POLL);
  expect(await show(task.id)).toContain("error TIMEOUT");
  const log = await a.log(task.id);
  expect(log.filter((entry) => entry.type === "task" && entry.state === "error")).toHaveLength(1);
});
