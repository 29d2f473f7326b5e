import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import { superseded } from "#domain/refusals";
import { instant } from "#domain/time/time";
import { TakeoverLog } from "#runtime/watch/takeovers";
import { startBench } from "../kit/bench-plane.js";

const first = { info: { hostname: "host-1" }, instance: "11111111-aaaa" };
const second = { info: { hostname: "host-2" }, instance: "22222222-bbbb" };

test("when another process takes over a worker id, both are told who the other one is", async () => {
  const bench = await startBench();
  const ousted = bench.worker("w1", first);
  await bench.settle();
  await bench.clock.advance(7_000);
  const newcomer = bench.worker("w1", second);
  await bench.settle();

  expect(ousted.closed).toMatchObject([
    {
      reason: "SUPERSEDED",
      message:
        'another process has taken over the worker id "w1": on host host-2, instance 22222222. Give each process an id of its own, or stop one of them.',
      details: { metadata: { worker_id: "w1", by_instance: "22222222", by_hostname: "host-2" } },
    },
  ]);
  expect(newcomer.frames[0]).toMatchObject({
    type: "welcome",
    notice:
      'another process served under the worker id "w1", and has lost its stream and its runs to this one: on host host-1, instance 11111111, connected for 7 s. Give each process an id of its own, or stop one of them.',
  });
});

test("a process that comes back, or follows one that has left, clashes with nobody", async () => {
  const bench = await startBench();
  const before = bench.worker("w1", first);
  await bench.settle();
  const again = bench.worker("w1", first); // the plane has not yet seen the first stream break
  await bench.settle();
  expect(before.closed).toMatchObject([{ reason: "SUPERSEDED", details: { metadata: { worker_id: "w1" } } }]);
  expect(before.closed[0]?.details.metadata).not.toHaveProperty("by_instance");
  expect(again.frames[0]).not.toHaveProperty("notice");

  again.link.closed();
  const restarted = bench.worker("w1", second);
  await bench.settle();
  expect(restarted.frames[0]).not.toHaveProperty("notice");
});

test("a public worker cannot be told from another, and hears what it may be", async () => {
  const bench = await startBench();
  const ousted = bench.worker("w1", { protocol: 0 });
  await bench.settle();
  bench.worker("w1", { protocol: 0 });
  await bench.settle();

  expect(ousted.closed[0]?.message).toBe(
    'worker "w1" has opened another stream; two processes need two worker ids',
  );
});

test("the log names a clash once a minute while it goes on, and no other end of a stream", () => {
  const said: unknown[] = [];
  const silent = () => {};
  const log = {
    debug: silent,
    info: silent,
    error: silent,
    warn: (_: string, fields?: object) => said.push(fields),
  };
  const takeovers = new TakeoverLog();
  const by = { instance: "i", hostname: "h", connectedAt: instant(0) };
  const note = (at: number, fault: Fault) => takeovers.note(fault, instant(at), log);
  for (let at = 0; at < 130_000; at += 1_000) note(at, superseded("w1" as never, by));
  note(5, superseded("w2" as never, by));
  note(6, superseded("w3" as never, undefined));
  note(7, new Fault("unavailable", "silent", { reason: "LEASE_ENDED" }));

  const clash = { workerId: "w1", instance: "i", hostname: "h" };
  expect(said).toEqual([
    { ...clash, takeovers: 1 },
    { ...clash, takeovers: 60 },
    { ...clash, takeovers: 60 },
    { ...clash, workerId: "w2", takeovers: 1 },
  ]);
});
