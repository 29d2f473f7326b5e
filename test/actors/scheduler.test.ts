import { expect, test } from "vitest";
import { schedulerMachine } from "#actors/scheduler/machine";
import { instant, millis } from "#domain/time";
import { decider } from "#runtime/evaluate";
import { play } from "#testing/transcript";
import { half, placement, runIds, schedulerFound, slots, waiting } from "./found.js";
import { run, session, step, stepSpec, task } from "./rows.js";

const enqueued = { step: step({ state: "enqueued" }), task: task({ state: "enqueuing_steps" }) };

test("the scheduler chooses first and makes the runs once it has the rows: run and step move together", () => {
  const workers = [slots({ session: session({ capacity: 2 }), held: 1, lastOrdinal: 7 })];

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [
        5,
        "schedule",
        { ...half, found: schedulerFound({ lanes: [waiting("t1", "t2")], workers, runIds: runIds(2) }) },
      ],
      [
        5,
        "assign",
        {
          ...half,
          placements: [placement("t1", "r1")],
          found: schedulerFound({ workers, rows: [enqueued] }),
        },
      ],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms          starting
    0 ms serve    serving
    5 ms schedule serving   tell(scheduler, assign([{t1, main, s1, r1}]))
    5 ms assign   serving   advanceStep(t1, main, start(5, r1)), createRun(r1), advanceRun(r1, assign(5))
    "
  `);
});

test("a step that has moved on, or whose worker is gone, is left out", () => {
  const placements = [placement("t1", "r1")];
  const cancelled = { ...enqueued, step: step({ state: "cancelled" }) };

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [
        1,
        "assign",
        { ...half, placements, found: schedulerFound({ workers: [slots()], rows: [cancelled] }) },
      ],
      [2, "assign", { ...half, placements, found: schedulerFound({ workers: [], rows: [enqueued] }) }],
      [
        3,
        "assign",
        { ...half, placements, found: schedulerFound({ workers: [slots()], rows: [undefined] }) },
      ],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    1 ms assign ignored
    2 ms assign ignored
    3 ms assign ignored
    "
  `);
});

test("nothing is assigned while the plane drains", () => {
  const found = schedulerFound({ lanes: [waiting("t1")], workers: [slots()], runIds: runIds(1) });

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [1, "drain"],
      [2, "schedule", { ...half, found }],
      [3, "stop"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms          starting
    0 ms serve    serving
    1 ms drain    draining
    2 ms schedule ignored
    3 ms stop     stopped
    "
  `);
});

test("a run carries its step's next fence and attempt, and its session's next ordinal", () => {
  const again = { ...enqueued, step: step({ state: "enqueued", fence: 3, attempts: 1 }) };
  const message = {
    type: "assign",
    at: instant(5),
    ...half,
    placements: [placement("t1", "r1"), placement("t2", "r2")],
    found: schedulerFound({ workers: [slots({ lastOrdinal: 7 })], rows: [enqueued, again] }),
  };
  const decide = decider<unknown, typeof message>(schedulerMachine);
  const { asks } = decide({ value: "serving", context: { served: {} } }, message);

  const [first, second] = asks.flatMap((ask) => (ask.type === "createRun" ? [ask.params.run] : []));
  expect(first).toEqual(run({ revision: 0, createdAt: instant(5), fence: 1, attempt: 1, ordinal: 8 }));
  expect(second).toMatchObject({ id: "r2", fence: 4, attempt: 2, ordinal: 9 });
});

test("an attempt that may take only so long has a clock from the moment it is made", () => {
  const timed = { ...enqueued, step: step({ state: "enqueued", spec: stepSpec({ timeoutMs: millis(90) }) }) };
  const found = schedulerFound({ workers: [slots()], rows: [timed] });
  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [5, "assign", { ...half, placements: [placement("t1", "r1")], found }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms assign serving   advanceStep(t1, main, start(5, r1)), createRun(r1), advanceRun(r1, assign(5)), setDeadline(t1, main, attempt, 95)
    "
  `);
});
