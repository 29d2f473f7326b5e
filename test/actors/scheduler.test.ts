import { expect, test } from "vitest";
import { schedulerMachine } from "#actors/scheduler/machine";
import type { SessionId, TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { instant, millis } from "#domain/time/time";
import { decider } from "#runtime/machines/flat-interpreter";
import { play } from "#testing/transcript";
import { run, session, step, stepSpec, t1, task } from "./kit/rows.js";
import { type Family, half, placement, runIds, slots, viewOf, waiting } from "./kit/views.js";

/** A Task whose Step waits for a worker. */
function enqueued(part: Partial<StepRow> = {}, id: TaskId = t1): Family {
  return {
    task: task({ id, state: "enqueuing_steps", inputBytes: 0 }),
    steps: [step({ taskId: id, state: "enqueued", ...part })],
  };
}

test("the scheduler chooses first and makes the runs once it has the rows: run and step move together", () => {
  const workers = [slots({ session: session({ capacity: 2 }), held: 1, lastOrdinal: 7 })];

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [
        5,
        "schedule",
        { ...half, view: viewOf({ lanes: [waiting("t1", "t2")], workers, runIds: runIds(2) }) },
      ],
      [
        5,
        "weigh",
        {
          ...half,
          placements: [placement("t1", "r1")],
          view: viewOf({ workers, others: [enqueued()] }),
        },
      ],
      [
        5,
        "assign",
        {
          ...half,
          placements: [placement("t1", "r1")],
          view: viewOf({ workers, others: [enqueued()] }),
        },
      ],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms          starting
    0 ms serve    serving
    5 ms schedule serving   tell(scheduler, weigh([{t1, main, s1, r1, default}]))
    5 ms weigh    serving   tell(scheduler, assign([{t1, main, s1, r1, default}]))
    5 ms assign   serving   advanceStep(t1, main, start(5, r1)), createRun(r1), advanceRun(r1, assign(5))
    "
  `);
});

test("a step that has moved on, or whose worker is gone, is left out", () => {
  const placements = [placement("t1", "r1")];
  const cancelled = enqueued({ state: "cancelled" });

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [1, "assign", { ...half, placements, view: viewOf({ workers: [slots()], others: [cancelled] }) }],
      [2, "assign", { ...half, placements, view: viewOf({ workers: [], others: [enqueued()] }) }],
      [3, "assign", { ...half, placements, view: viewOf({ workers: [slots()] }) }],
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

const MIB = 1024 * 1024;

/** What becomes of placements of so many MiB, which go round among the workers: who goes on, and who was served. */
function weigh(
  weights: readonly (number | undefined)[],
  { free = 64, unsent = [0] }: { readonly free?: number; readonly unsent?: readonly number[] } = {},
) {
  const sessions = unsent.map((_, i) => `s${i + 1}` as SessionId);
  const placements = weights.map((_, i) =>
    placement(`t${i + 1}`, `r${i + 1}`, sessions[i % sessions.length] as SessionId),
  );
  const message = {
    type: "weigh",
    at: instant(5),
    ...half,
    placements,
    view: viewOf({
      free: free * MIB,
      workers: sessions.map((id, i) => slots({ session: session({ id }), unsent: (unsent[i] ?? 0) * MIB })),
      others: weights.flatMap((weight, i) => {
        if (weight === undefined) return [];
        return [enqueued({ hasInput: true, inputBytes: weight * MIB }, `t${i + 1}` as TaskId)];
      }),
    }),
  };
  const decide = decider<{ readonly served: Readonly<Record<string, number>> }, typeof message>(
    schedulerMachine,
  );
  const before = { value: "serving", context: { served: { default: weights.length } } };
  const { context, commands } = decide(before, message);
  const addressed = commands.flatMap((command) => (command.type === "tell" ? [command.params.message] : []));
  const next = addressed.flatMap((each) =>
    "placements" in each ? each.placements.map(({ taskId }) => taskId) : [],
  );
  const answers = commands.flatMap((command) => (command.type === "reply" ? [command.params.answer] : []));
  return { next: next.join(" "), served: context.served.default, answers };
}

test("a turn loads so many bytes, the last assignment beyond; the rest is not counted as served", () => {
  expect(weigh([6, 6, 6, 6], { unsent: [0, 0, 0, 0] })).toEqual({
    next: "t1 t2 t3",
    served: 3,
    answers: [{ type: "scheduled", leftOut: 1 }],
  });
});

test("an assignment larger than all there is room for goes alone", () => {
  expect(weigh([100, 1], { free: 1 }).next).toBe("t1");
});

test("a worker that has enough waiting gets no more, and others do", () => {
  expect(weigh([2, 2, 2, 2, 2, 2], { unsent: [5, 0] })).toMatchObject({ next: "t1 t2 t3 t4 t6", served: 5 });
});

test("what is free shrinks with what is given, for all of them", () => {
  expect(weigh([1, 1, 1, 1, 1, 1], { free: 4, unsent: [0, 2] }).next).toBe("t1 t2 t3");
});

test("what was not loaded is left out; where all go nothing is said of it", () => {
  expect(weigh([1, undefined, 1])).toMatchObject({ next: "t1 t3", served: 2 });
  expect(weigh([1, 1])).toEqual({ next: "t1 t2", served: 2, answers: [] });
});

test("nothing is assigned while the plane drains", () => {
  const view = viewOf({ lanes: [waiting("t1")], workers: [slots()], runIds: runIds(1) });

  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [1, "drain"],
      [2, "schedule", { ...half, view }],
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
  const again = enqueued({ fence: 3, attempts: 1 }, "t2" as TaskId);
  const message = {
    type: "assign",
    at: instant(5),
    ...half,
    placements: [placement("t1", "r1"), placement("t2", "r2")],
    view: viewOf({ workers: [slots({ lastOrdinal: 7 })], others: [enqueued(), again] }),
  };
  const decide = decider<unknown, typeof message>(schedulerMachine);
  const { commands } = decide({ value: "serving", context: { served: {} } }, message);

  const [first, second] = commands.flatMap((command) =>
    command.type === "createRun" ? [command.params.run] : [],
  );
  expect(first).toEqual(run({ revision: 0, createdAt: instant(5), fence: 1, attempt: 1, ordinal: 8 }));
  expect(second).toMatchObject({ id: "r2", fence: 4, attempt: 2, ordinal: 9 });
});

test("an attempt that may take only so long has a clock from the moment it is made", () => {
  const timed = enqueued({ spec: stepSpec({ timeoutMs: millis(90) }) });
  const view = viewOf({ workers: [slots()], others: [timed] });
  expect(
    play(schedulerMachine, undefined, [
      [0, "serve"],
      [5, "assign", { ...half, placements: [placement("t1", "r1")], view }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms assign serving   advanceStep(t1, main, start(5, r1)), createRun(r1), advanceRun(r1, assign(5)), setDeadline(t1, main, attempt, 95)
    "
  `);
});
