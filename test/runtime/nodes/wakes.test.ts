import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Broker } from "#ports/broker";
import type { Store } from "#ports/store";
import { seededEntropy } from "#testing/virtual-time";
import type { BenchPlane } from "../kit/bench-plane.js";
import { BrokerDouble } from "../kit/broker-double.js";
import { noNodes } from "./kit/nodes.js";

/** So many nodes that only wakes can wake: nothing polls within the time of a test. */
async function wakingNodes(count: number, through?: (store: Store) => Store) {
  const nodes = noNodes();
  const double = new BrokerDouble(nodes.clock, seededEntropy(7).draw);
  const all: BenchPlane[] = [];
  const brokers: Broker[] = [];
  for (let i = 0; i < count; i += 1) {
    const broker = double.join();
    brokers.push(broker);
    all.push(await nodes.start({ caches: false, parts: { broker }, ...(through && { through }) }));
  }
  await nodes.settle();
  return { ...nodes, all, double, brokers };
}

function follow({ plane }: BenchPlane, taskId: TaskId, afterSeq = 0) {
  const watch = { seqs: [] as number[], ended: false, stop: new AbortController() };
  void (async () => {
    for await (const { firstSeq, entries } of plane.watch(
      LOCAL_CALLER,
      taskId,
      afterSeq,
      watch.stop.signal,
    )) {
      for (let i = 0; i < entries.length; i += 1) watch.seqs.push(firstSeq + i);
    }
    watch.ended = true;
  })();
  return watch;
}

function awaitEnd({ plane }: BenchPlane, taskId: TaskId) {
  const wait = { outcome: "waits" };
  void plane
    .wait(LOCAL_CALLER, taskId)
    .ended(millis(600_000))
    .then(
      (end) => {
        wait.outcome = end.type === "ended" ? `${end.task.state}, ${end.rows?.runs.length} runs` : end.type;
      },
      (error: Error) => {
        wait.outcome = error.message;
      },
    );
  return wait;
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test("created here, watched there, awaited on a third: all are told at once", async () => {
  const { all, settle } = await wakingNodes(3);
  const [a, b, c] = all as [BenchPlane, BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const [watch, own, wait] = [follow(b, task.id), follow(a, task.id), awaitEnd(c, task.id)];
  const { runId } = worker.assigned();
  await worker.output(runId, 0, "one");
  await settle();
  const log = await b.log(task.id);
  expect([watch.seqs, own.seqs]).toEqual([upTo(log.length), upTo(log.length)]);
  expect(wait.outcome).toBe("waits");

  await worker.report(runId, "COMPLETED");
  await settle();
  await settle();
  const last = (await a.log(task.id)).length;
  expect(watch).toMatchObject({ seqs: upTo(last), ended: true });
  expect(own).toMatchObject({ seqs: upTo(last), ended: true });
  expect(wait.outcome).toBe("complete, 1 runs");
});

test("wakes that are doubled, late and out of order show every seq once", async () => {
  const { all, double, clock, settle } = await wakingNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId } = worker.assigned();
  double.weather = { doubled: 0.8, delay: millis(900) };
  const watch = follow(b, task.id);
  const wait = awaitEnd(b, task.id);
  for (let chunk = 0; chunk < 30; chunk += 1) {
    await worker.output(runId, chunk, `${chunk}`);
    await clock.advance(50);
  }
  await worker.report(runId, "COMPLETED");
  await clock.advance(2_000);
  await settle();
  expect(watch).toMatchObject({ seqs: upTo((await a.log(task.id)).length), ended: true });
  expect(wait.outcome).toBe("complete, 1 runs");
});

test("what is followed is asked for, each with what is known of it, and news from the store wake as wakes do", async () => {
  const { all, double, settle } = await wakingNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task: watched } = await a.create();
  const { runId } = worker.assigned();
  const watch = follow(b, watched.id);
  const wait = awaitEnd(b, watched.id);
  await settle();
  const before = (await a.log(watched.id)).length;
  const { followed } = b.supervisor;
  expect(followed.page(10)).toEqual([{ taskId: watched.id, seq: before }]);

  double.weather = { lost: 1 };
  await worker.output(runId, 0, "one");
  await worker.report(runId, "COMPLETED");
  await settle();
  expect([watch.ended, wait.outcome]).toEqual([false, "waits"]);
  const lastSeq = (await a.log(watched.id)).length;
  followed.heard([{ taskId: watched.id, lastSeq, ended: true }]);
  await settle();
  expect(watch).toMatchObject({ seqs: upTo(lastSeq), ended: true });
  expect(wait.outcome).toBe("complete, 1 runs");
  expect(followed.count).toBe(0);
});

test("a watcher that has missed a wake is asked for with its own seq, whatever another one has read", async () => {
  const { all, double, settle } = await wakingNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId } = worker.assigned();
  follow(b, task.id);
  await settle();
  const before = (await a.log(task.id)).length;
  double.weather = { lost: 1 };
  await worker.output(runId, 0, "one");
  await settle();
  const other = follow(b, task.id); // reads all there is now
  await settle();
  await settle();
  expect(other.seqs.length).toBeGreaterThan(before);
  expect(b.supervisor.followed.page(10)).toEqual([{ taskId: task.id, seq: before }]);
});

test("more followed tasks than one page holds take turns", async () => {
  const { all, settle } = await wakingNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const ids: TaskId[] = [];
  for (let i = 0; i < 7; i += 1) ids.push((await a.create()).task.id);
  for (const id of ids.slice(0, 3)) follow(b, id);
  for (const id of ids.slice(3)) awaitEnd(b, id);
  await settle();
  const pages = upTo(4).map(() => b.supervisor.followed.page(4).map(({ taskId }) => taskId));
  for (const page of pages) {
    expect(page.length).toBeLessThanOrEqual(4);
    expect(new Set(page).size).toBe(page.length);
  }
  expect([...new Set(pages.flat())].sort()).toEqual([...ids].sort());
});

test("a task that the store no longer has ends its watchers and waits", async () => {
  const { all, settle } = await wakingNodes(1);
  const [a] = all as [BenchPlane];
  const { task } = await a.create();
  const wait = awaitEnd(a, task.id);
  a.supervisor.followed.heard([{ taskId: task.id, lastSeq: 0, ended: false }]);
  await settle();
  expect(wait.outcome).toContain("not found");
});

test("of a hundred ended tasks a few are read at a time, and one that cannot be read is read when it is told again", async () => {
  let reading = 0;
  let most = 0;
  let refuses = false;
  const slow = (store: Store): Store => ({
    ...store,
    reads: {
      ...store.reads,
      task: async (id) => {
        reading += 1;
        most = Math.max(most, reading);
        await Promise.resolve();
        reading -= 1;
        if (refuses) throw new Error("away");
        return store.reads.task(id);
      },
    },
  });
  const { all, settle } = await wakingNodes(2, slow);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const ids: TaskId[] = [];
  for (let i = 0; i < 100; i += 1) ids.push((await a.create()).task.id);
  const waits = ids.map((id) => awaitEnd(b, id));
  refuses = true;
  await Promise.all(ids.map((id) => a.cancel(id)));
  await settle();
  expect(new Set(waits.map(({ outcome }) => outcome))).toEqual(new Set(["waits"]));
  expect(most).toBe(limits.endsReadAtOnce);

  refuses = false;
  b.supervisor.followed.heard(ids.map((taskId) => ({ taskId, lastSeq: 99, ended: true })));
  await settle();
  await settle();
  expect(waits.filter(({ outcome }) => outcome.startsWith("cancelled"))).toHaveLength(100);
});

test("a turn publishes one batch: logs, lanes with steps left, an earlier deadline; and nothing of what it has assigned", async () => {
  const { all, double, settle } = await wakingNodes(2);
  const [a] = all as [BenchPlane];
  double.published.length = 0;
  const { task } = await a.create({ timeoutMs: millis(60_000) });
  const said = () => double.published.splice(0).map(({ wake }) => wake);
  const [log, ready, due] = said();
  expect(log).toMatchObject({ type: "log", taskId: task.id, ended: false });
  expect(ready).toMatchObject({ type: "ready" });
  expect(due).toEqual({ type: "due", at: task.createdAt + 60_000 });

  await a.create({ timeoutMs: millis(90_000) });
  expect(said().map(({ type }) => type)).toEqual(["log", "ready"]);

  const worker = a.worker("w1", { capacity: 2 });
  await settle();
  expect(worker.assignments()).toHaveLength(2);
  expect(said().filter(({ type }) => type === "ready")).toEqual([]);
});

test("a deadline whose node is gone passes on another one that has heard of it", async () => {
  const { all, clock, show } = await wakingNodes(2);
  const [a] = all as [BenchPlane, BenchPlane];
  const { task } = await a.create({ timeoutMs: millis(60_000) });
  a.kill();
  await clock.advance(60_000 + limits.dueOfOthers);
  expect(await show(task.id)).toContain("TIMEOUT");
});

test("a gap asks the store about everything", async () => {
  const { all, double, brokers, settle } = await wakingNodes(2);
  const [, b] = all as [BenchPlane, BenchPlane];
  let polls = 0;
  b.supervisor.poll = () => {
    polls += 1;
  };
  const [, broker] = brokers as [Broker, Broker];
  double.cut(broker);
  double.mend(broker);
  await settle();
  expect(polls).toBe(1);
});

test("who is alone tells nobody anything, and tells all as soon as another node has come", async () => {
  const nodes = noNodes();
  const double = new BrokerDouble(nodes.clock, seededEntropy(7).draw);
  const start = () => nodes.start({ caches: false, parts: { broker: double.join() } });
  const a = await start();
  await nodes.pass(1);
  double.published.length = 0;
  const worker = a.worker("w1");
  await nodes.settle();
  const { task } = await a.create();
  expect(double.published).toEqual([]);

  const b = await start();
  await nodes.settle();
  const watch = follow(b, task.id);
  await worker.report(worker.assigned().runId, "COMPLETED");
  await nodes.settle();
  expect(watch).toMatchObject({ seqs: upTo((await a.log(task.id)).length), ended: true });

  await b.supervisor.stop();
  await nodes.pass(2 * limits.nodePoll, worker);
  double.published.length = 0;
  await a.create();
  expect(double.published).toEqual([]);
});

test("a node that cannot be heard is noticed by the next poll", async () => {
  const nodes = noNodes();
  const double = new BrokerDouble(nodes.clock, seededEntropy(7).draw);
  const start = () => nodes.start({ caches: false, parts: { broker: double.join() } });
  const a = await start();
  double.weather = { lost: 1 };
  const b = await start();
  await nodes.pass(limits.nodePoll + 1);
  double.weather = {};
  const watch = follow(b, (await a.create()).task.id);
  await nodes.settle();
  const before = watch.seqs.length;
  const worker = a.worker("w1");
  await nodes.settle();
  await worker.report(worker.assigned().runId, "COMPLETED");
  await nodes.settle();
  expect(watch.seqs.length).toBeGreaterThan(before);
  expect(watch.ended).toBe(true);
});
