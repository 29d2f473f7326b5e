import { expect, test } from "vitest";
import { workerMachine } from "#actors/worker/machine";
import { instant } from "#domain/time/time";
import { advanceWorker } from "#runtime/machines/lifecycles";
import { play } from "#testing/transcript";
import { session } from "./kit/rows.js";

const beat = (status: string, capacity?: number) => ({ status, ...(capacity !== undefined && { capacity }) });

test("a worker serves, fails and serves again as its heartbeats say", () => {
  expect(
    play(workerMachine, session(), [
      [5_000, "beat", beat("BUSY", 4)],
      [10_000, "beat", beat("ERROR")],
      [15_000, "beat", beat("IDLE")],
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms      serving
     5000 ms beat serving
    10000 ms beat failing
    15000 ms beat serving
    "
  `);
});

test("a worker told to drain drains, whatever it says later", () => {
  expect(
    play(workerMachine, session(), [
      [0, "drain", { message: "the host goes down" }],
      [5, "beat", beat("IDLE")],
      [9, "drain", { message: "the host goes down" }],
      [20, "closed"],
      [30_000, "silent"],
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms        serving
        0 ms drain  draining  send(s1, drain(the host goes down))
        5 ms beat   draining
        9 ms drain  draining  send(s1, drain(the host goes down))
       20 ms closed detached
    30000 ms silent gone      disconnect(s1, unavailable: no heartbeat within the lease; connect again)
    "
  `);
});

test("a worker whose stream ends is away, not gone: its lease goes on", () => {
  expect(
    play(workerMachine, session(), [
      [100, "closed"],
      [101, "closed"],
      [200, "beat", beat("IDLE")], // was on its way when the stream ended
      [5_000, "superseded"],
      [30_000, "silent"],
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms            serving
      100 ms closed     detached
      101 ms closed     ignored
      200 ms beat       ignored
     5000 ms superseded gone      disconnect(s1, unavailable: worker "w1" has opened another stream; two proc…)
    30000 ms silent     ignored
    "
  `);
});

test("a worker that opens another stream loses the first, and when that closes later nothing changes", () => {
  expect(
    play(workerMachine, session(), [
      [100, "superseded"],
      [5_100, "closed"],
    ]),
  ).toMatchInlineSnapshot(`
    "
       0 ms            serving
     100 ms superseded gone     disconnect(s1, unavailable: worker "w1" has opened another stream; two proc…)
    5100 ms closed     ignored
    "
  `);
});

test("a heartbeat that names a capacity changes it, one that names none does not", () => {
  const tell = (named: { readonly capacity?: number }) =>
    advanceWorker(session({ capacity: 3 }), { type: "beat", at: instant(5), status: "BUSY", ...named })[0]
      .capacity;

  expect([tell({ capacity: 7 }), tell({ capacity: 0 }), tell({})]).toEqual([7, 0, 3]);
});
