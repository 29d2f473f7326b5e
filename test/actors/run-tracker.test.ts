import { expect, test } from "vitest";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import type { RunId, SessionId, WorkerId } from "#domain/id";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { type AddressedMessage, play } from "#testing/transcript";
import { begun, caller, heldRun, hello, r1, s1, session, terms } from "./kit/rows.js";
import { chunk, half, says, status, type ViewParts, viewOf } from "./kit/views.js";

type Script = readonly AddressedMessage<typeof runTrackerMachine>[];

/** What the tracker asks for, message by message, once it serves. */
function track(script: Script): string {
  return play(runTrackerMachine, undefined, [[0, "serve"], ...script]);
}

const held = { ...half, view: viewOf({ runs: [heldRun()] }) };
const s2 = "s2" as SessionId;

test("what a worker says of its run is recorded, and acknowledged once it is", () => {
  expect(
    track([
      [
        5,
        "report",
        {
          ...half,
          ...says(status({ status: "RUNNING" })),
          view: viewOf({ runs: [heldRun({ status: "ASSIGNED" })] }),
        },
      ],
      [6, "report", { ...held, ...says(status({ status: "RUNNING" })) }], // said before
      [7, "report", { ...held, ...says(chunk(0, "hello"), 5) }],
      [8, "report", { ...held, ...says({ type: "chat", runId: r1, role: 1, content: "hm", sentAt: 0 }) }],
      [
        9,
        "report",
        { ...held, ...says({ type: "event", runId: r1, id: "e1", kind: 2, sentAt: 0, metadata: {} }) },
      ],
      [10, "report", { ...held, ...says(status({ output: "{}", outputCount: 0 }), 2) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms        starting
     0 ms serve  serving
     5 ms report serving   advanceRun(r1, started(5))
     6 ms report ignored
     7 ms report serving   record(t1, output(7, r1, 1, 0, hello, false, {}, 0)), advanceRun(r1, wrote(7, 1, 5)), send(s1, ack.output(r1, 1))
     8 ms report serving   record(t1, chat(8, r1, 1, hm, 0)), advanceRun(r1, wrote(8, 0, 0))
     9 ms report serving   record(t1, event(9, r1, e1, 2, 0, {})), advanceRun(r1, wrote(9, 0, 0))
    10 ms report serving   advanceRun(r1, completed(10, null, {}, 2)), send(s1, ack.status(r1))
    "
  `);
});

test("a failure, a stop and a hand-back are the worker's last word", () => {
  expect(
    track([
      [5, "report", { ...held, ...says(status({ status: "FAILED", errorMessage: "no such ticket" })) }],
      [5, "report", { ...held, ...says(status({ status: "CANCELLED" })) }],
      [5, "report", { ...held, ...says({ type: "decline", runId: r1, reason: "I must go" }) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   advanceRun(r1, failed(5, null, no such ticket, true, 0)), send(s1, ack.status(r1))
    5 ms report serving   advanceRun(r1, cancelled(5, "")), send(s1, ack.status(r1))
    5 ms report serving   advanceRun(r1, declined(5, I must go))
    "
  `);
});

test("a public worker is heard and never acknowledged: it knows no acks", () => {
  const view = viewOf({
    session: session({ protocol: 0, instance: "" }),
    runs: [heldRun({ instance: "" })],
  });
  const { fence: _, ...plain } = status();

  expect(
    track([
      [5, "report", { ...half, ...says(chunk(0, "hello"), 5), view }],
      [6, "report", { ...half, ...says(plain), view }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   record(t1, output(5, r1, 1, 0, hello, false, {}, 0)), advanceRun(r1, wrote(5, 1, 5))
    6 ms report serving   advanceRun(r1, completed(6, null, "", 0))
    "
  `);
});

test("output counts in order and once; completion waits for all of it", () => {
  const view = viewOf({ runs: [heldRun({ nextSeq: 3 })] });

  expect(
    track([
      [5, "report", { ...half, ...says(chunk(2, "again"), 5), view }],
      [6, "report", { ...half, ...says(chunk(4, "early"), 5), view }],
      [7, "report", { ...half, ...says(status({ outputCount: 4 })), view }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   countRefused(repeated), send(s1, ack.output(r1, 3))
    6 ms report serving   countRefused(gap), send(s1, ack.output(r1, 3))
    7 ms report serving   send(s1, ack.output(r1, 3))
    "
  `);
});

test("a run that writes more than it may is broken off", () => {
  const view = viewOf({ runs: [heldRun({ outputBytes: limits.runOutputBytes - 4 })] });

  expect(track([[5, "report", { ...half, ...says(chunk(0, "hello"), 5), view }]])).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   advanceRun(r1, broken(5, OUTPUT_LIMIT, the run wrote more than 67108864 bytes of output, the most o…))
    "
  `);
});

test("a report that is refused breaks its run off; as the last word it lets go of it too", () => {
  const refused = { type: "refused", runId: r1, fence: 1, message: "seq is too large", last: false } as const;
  const over = viewOf({ runs: [heldRun({ status: "FAILED", reason: "REPORT_INVALID" })] });

  expect(
    track([
      [5, "report", { ...held, ...says(refused, 256) }],
      [6, "report", { ...held, ...says({ ...refused, last: true }, 256) }],
      [7, "report", { ...half, ...says(refused, 256), view: over }], // and all that follow
      [8, "report", { ...half, ...says({ ...refused, last: true }, 256), view: over }],
      [9, "report", { ...held, ...says({ ...refused, fence: 0 }, 256) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   advanceRun(r1, broken(5, REPORT_INVALID, seq is too large)), countRefused(invalid)
    6 ms report serving   advanceRun(r1, broken(6, REPORT_INVALID, seq is too large)), send(s1, ack.status(r1)), advanceRun(r1, released(6)), countRefused(invalid)
    7 ms report serving   advanceRun(r1, started(7)), send(s1, cancel(r1, the run has ended)), countRefused(ended)
    8 ms report serving   countRefused(repeated), send(s1, ack.status(r1)), advanceRun(r1, released(8))
    9 ms report serving   send(s1, cancel(r1, the run has been superseded by a later attempt)), countRefused(stale)
    "
  `);
});

test("a report about a run that is unknown, another's, superseded or over changes nothing of its end, and is answered", () => {
  const about = (run?: ReturnType<typeof heldRun>) => ({
    ...half,
    view: viewOf(run ? { runs: [run] } : {}),
  });

  expect(
    track([
      [1, "report", { ...about(), ...says(chunk(0, "")) }],
      [2, "report", { ...about(heldRun({ principal: "mallory" })), ...says(chunk(0, "")) }],
      [3, "report", { ...about(heldRun({ session: s2, heldBy: s2 })), ...says(chunk(0, "")) }],
      [4, "report", { ...about(heldRun({ fence: 2 })), ...says(status()) }],
      [5, "report", { ...about(heldRun({ status: "CANCELLED" })), ...says(chunk(0, "")) }],
      [6, "report", { ...about(heldRun({ status: "CANCELLED" })), ...says(status()) }], // its last word: it lets go
      [
        7,
        "report",
        { ...about(heldRun({ status: "COMPLETED", heldBy: "", session: s2 })), ...says(status()) },
      ],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    1 ms report serving   send(s1, cancel(r1, the plane does not know this run)), countRefused(unknown)
    2 ms report serving   reply(fault(denied: run r1 was not given to a worker of your credential:…)), countRefused(foreign)
    3 ms report serving   send(s1, cancel(r1, the run is another session's)), countRefused(foreign)
    4 ms report serving   send(s1, cancel(r1, the run has been superseded by a later attempt)), countRefused(stale), send(s1, ack.status(r1))
    5 ms report serving   advanceRun(r1, started(5)), send(s1, cancel(r1, the run has ended)), countRefused(ended)
    6 ms report serving   send(s1, cancel(r1, the run has ended)), countRefused(ended), send(s1, ack.status(r1)), advanceRun(r1, released(6))
    7 ms report serving   countRefused(repeated), send(s1, ack.status(r1))
    "
  `);
});

test("a worker that says hello is welcomed; a public one is not, and its older session is superseded", () => {
  const addressed = { ...half, session: s2, caller, terms };

  expect(
    track([
      [1, "hello", { ...addressed, hello: hello(), view: viewOf({ session: undefined }) }],
      [2, "hello", { ...addressed, hello: hello({ protocol: 0 }), view: viewOf({ runs: [heldRun()] }) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms       starting
    0 ms serve serving
    1 ms hello serving   attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 1}), send(s2, welcome(s2, 5000, 30000, 1))
    2 ms hello serving   advanceWorker(s1, superseded(2)), attachWorker({s2, serving, local, i1, 0, {w1, "", "", […], {}, []}, 10, 2}), advanceRun(r1, lost(2, the worker came back without the run))
    "
  `);
});

test("a worker that reconnects takes back what it can show, and learns what it should drop", () => {
  const addressed = { ...half, session: s2, caller, terms };
  const claims = (nextSeq: number, fence = 1) => hello({ resume: [{ runId: r1, fence, nextSeq }] });
  const view = (run: ReturnType<typeof heldRun>) => viewOf({ runs: [run] });

  expect(
    track([
      [1, "hello", { ...addressed, hello: claims(0), view: view(heldRun({ nextSeq: 2 })) }],
      [2, "hello", { ...addressed, hello: claims(3), view: view(heldRun({ nextSeq: 2 })) }], // chunk 2 is lost
      [3, "hello", { ...addressed, hello: claims(0), view: view(heldRun({ status: "CANCELLED" })) }],
      [4, "hello", { ...addressed, hello: claims(0, 2), view: view(heldRun()) }], // not its fence
      [5, "hello", { ...addressed, hello: claims(0), view: view(heldRun({ instance: "another" })) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms       starting
    0 ms serve serving
    1 ms hello serving   advanceWorker(s1, superseded(1)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 1}), send(s2, welcome(s2, 5000, 30000, 1)), advanceRun(r1, resumed(1, s2)), send(s2, ack.output(r1, 2))
    2 ms hello serving   advanceWorker(s1, superseded(2)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 2}), send(s2, welcome(s2, 5000, 30000, 2)), advanceRun(r1, resumed(2, s2)), send(s2, ack.output(r1, 2)), advanceRun(r1, broken(2, OUTPUT_LOST, output from seq 2 is lost: the worker can send it only from …))
    3 ms hello serving   advanceWorker(s1, superseded(3)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 3}), send(s2, welcome(s2, 5000, 30000, 3)), advanceRun(r1, resumed(3, s2)), send(s2, ack.output(r1, 0)), send(s2, cancel(r1, the run has ended))
    4 ms hello serving   advanceWorker(s1, superseded(4)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 4}), send(s2, welcome(s2, 5000, 30000, 4)), send(s2, cancel(r1, the run is no longer yours)), advanceRun(r1, lost(4, the worker came back without the run))
    5 ms hello serving   advanceWorker(s1, superseded(5)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 5}), send(s2, welcome(s2, 5000, 30000, 5)), send(s2, cancel(r1, the run is no longer yours)), advanceRun(r1, lost(5, the worker came back without the run))
    "
  `);
});

test("a run the returning worker does not show is lost, or handed back if it never got there", () => {
  const addressed = { ...half, session: s2, caller, terms, hello: hello() };
  const view = (status: "ASSIGNED" | "RUNNING" | "CANCELLED") => viewOf({ runs: [heldRun({ status })] });

  expect(
    track([
      [1, "hello", { ...addressed, view: view("ASSIGNED") }],
      [2, "hello", { ...addressed, hello: hello({ instance: "i2" }), view: view("ASSIGNED") }], // another process
      [3, "hello", { ...addressed, view: view("RUNNING") }],
      [4, "hello", { ...addressed, view: view("CANCELLED") }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms       starting
    0 ms serve serving
    1 ms hello serving   advanceWorker(s1, superseded(1)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 1}), send(s2, welcome(s2, 5000, 30000, 1)), advanceRun(r1, declined(1, the assignment did not reach the worker))
    2 ms hello serving   advanceWorker(s1, superseded(2, {i2, 2, ""})), attachWorker({s2, serving, local, i2, 1, {w1, "", "", […], {}, []}, 10, 2}), send(s2, welcome(s2, 5000, 30000, 2, another process served under the worker id "w1", and has los…)), advanceRun(r1, lost(2, the worker came back without the run))
    3 ms hello serving   advanceWorker(s1, superseded(3)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 3}), send(s2, welcome(s2, 5000, 30000, 3)), advanceRun(r1, lost(3, the worker came back without the run))
    4 ms hello serving   advanceWorker(s1, superseded(4)), attachWorker({s2, serving, local, i1, 1, {w1, "", "", […], {}, []}, 10, 4}), send(s2, welcome(s2, 5000, 30000, 4)), advanceRun(r1, declined(4, the assignment did not reach the worker))
    "
  `);
});

test("a held set brings both views together; it says nothing of assignments it had not seen", () => {
  const runs = [
    heldRun({ id: "here" as RunId }),
    heldRun({ id: "forgotten" as RunId, ordinal: 2 }),
    heldRun({ id: "let go" as RunId, ordinal: 3, status: "CANCELLED" }),
    heldRun({ id: "over" as RunId, ordinal: 4, status: "CANCELLED" }),
    heldRun({ id: "on its way" as RunId, ordinal: 9 }),
    heldRun({ id: "another's" as RunId, heldBy: s2, session: s2 }),
  ];
  const runIds = ["here", "over", "another's", "unknown"];

  expect(
    track([[5, "held", { ...half, session: s1, held: { runIds, lastOrdinal: 8 }, view: viewOf({ runs }) }]]),
  ).toMatchInlineSnapshot(`
    "
    0 ms       starting
    0 ms serve serving
    5 ms held  serving   advanceRun(forgotten, lost(5, the worker no longer has the run)), advanceRun(let go, released(5)), send(s1, cancel(over, the run has ended)), send(s1, cancel(another's, the run is not yours)), send(s1, cancel(unknown, the run is not yours))
    "
  `);
});

test("silence past the lease loses every run; a heartbeat in between has moved the lease", () => {
  const runs = [heldRun(), heldRun({ id: "r2" as RunId, status: "CANCELLED" })];
  const silent = (leaseUntil: number, part: Partial<ViewParts> = {}) => ({
    ...half,
    session: s1,
    view: viewOf({ runs, leaseUntil: instant(leaseUntil), ...part }),
  });

  expect(
    track([
      [30_000, "silent", silent(35_000)],
      [35_000, "silent", silent(35_000)],
      [35_001, "silent", silent(35_000, { session: undefined })], // gone already
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms        starting
        0 ms serve  serving
    30000 ms silent ignored
    35000 ms silent serving   advanceWorker(s1, silent(35000)), advanceRun(r1, lost(35000, the worker was silent for longer than its lease)), advanceRun(r2, released(35000))
    35001 ms silent ignored
    "
  `);
});

test("a worker's changes, its closing stream and an operator's drain go to its session", () => {
  const drain = { ...half, caller, workerId: "w1" as WorkerId, message: "the host goes down" };

  expect(
    track([
      [1, "worker.changed", { ...half, session: s1, status: "BUSY", capacity: 4, view: viewOf() }],
      [2, "drain.worker", { ...drain, view: viewOf() }],
      [3, "drain.worker", { ...drain, workerId: "w9" as WorkerId, view: viewOf({ session: undefined }) }],
      [4, "closed", { ...half, session: s1, view: viewOf() }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms                starting
    0 ms serve          serving
    1 ms worker.changed serving   advanceWorker(s1, beat(1, BUSY, 4))
    2 ms drain.worker   serving   advanceWorker(s1, drain(2, the host goes down)), reply(worker(s1))
    3 ms drain.worker   serving   reply(fault(not_found: Worker w9 not found))
    4 ms closed         serving   advanceWorker(s1, closed(4))
    "
  `);
});

test("while the plane drains, workers are still heard", () => {
  expect(
    track([
      [1, "drain"],
      [2, "report", { ...held, ...says(chunk(0, "hello"), 5) }],
      [3, "stop"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    1 ms drain  draining
    2 ms report draining  record(t1, output(2, r1, 1, 0, hello, false, {}, 0)), advanceRun(r1, wrote(2, 1, 5)), send(s1, ack.output(r1, 1))
    3 ms stop   stopped
    "
  `);
});

test("a run that stops at a checkpoint has said its last word; once more it is only acknowledged", () => {
  const stop = { type: "yield", runId: r1, fence: 1, cursor: "7", output: "" } as const;
  const over = viewOf({ runs: [heldRun({ status: "COMPLETED", reason: "YIELDED", heldBy: "" })] });

  expect(
    track([
      [5, "report", { ...held, ...says(stop) }],
      [6, "report", { ...half, ...says(stop), view: over }],
      [7, "report", { ...held, ...says({ ...stop, fence: 0 }) }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   advanceRun(r1, yielded(5, 7, "")), send(s1, ack.status(r1))
    6 ms report serving   countRefused(repeated), send(s1, ack.status(r1))
    7 ms report serving   send(s1, cancel(r1, the run has been superseded by a later attempt)), countRefused(stale), send(s1, ack.status(r1))
    "
  `);
});

test("a result that does not fit its schema is a failed attempt, and the worker is done with it all the same", () => {
  const view = viewOf({
    step: begun(),
    runs: [heldRun()],
    schemaProblem: { type: "misfit", text: "/ok is missing" },
  });
  expect(
    track([
      [5, "report", { ...half, ...says(status({ output: "{}", outputCount: 0 })), view }],
      [
        5,
        "report",
        { ...half, ...says(status({ status: "FAILED", errorMessage: "no", retryable: false })), view },
      ],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms report serving   advanceRun(r1, failed(5, null, the result does not fit result_schema: /ok is missing, true, 0, true)), send(s1, ack.status(r1))
    5 ms report serving   advanceRun(r1, failed(5, null, no, false, 0)), send(s1, ack.status(r1))
    "
  `);
});
