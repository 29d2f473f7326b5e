import { expect, test } from "vitest";
import { taskRequestMachine } from "#actors/task-request/machine";
import { instant, millis } from "#domain/time/time";
import { play } from "#testing/transcript";
import { registered, template } from "./kit/plans.js";
import { caller, draft, spec, task } from "./kit/rows.js";
import { half, viewOf } from "./kit/views.js";

/** A `submit` of these drafts, with what it may look at. */
const submit = (drafts: readonly ReturnType<typeof draft>[], view = viewOf()) => ({
  caller,
  drafts,
  view,
  ...half,
});

test("a new task is stored with its step, and both begin in the same commit", () => {
  expect(
    play(taskRequestMachine, undefined, [
      [0, "serve"],
      [5, "submit", submit([draft("t1")])],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms submit serving   createTask(t1, {}), createStep({0, pending, [], [], [], 0, 0, 0, 1, 0, 3, 0, "", 0, "", 0, 0, "", 0, "", false, false, false, "", 0, 0, 0, 0, t1, main, triage, standard(main, null, {exponential, 1000, 60000, 1}, 1, 3, 0)}), advanceTask(t1, start(5)), advanceStep(t1, main, enqueue(5, ["default","triage",[]], 5)), advanceTask(t1, readyStepsFound(5)), reply(tasks([t1]))
    "
  `);
});

test("a task with a time to start and a time limit sets two deadlines and begins later", () => {
  const later = draft("t1", { startAt: instant(1_000), timeoutMs: millis(60_000) });

  expect(
    play(taskRequestMachine, undefined, [
      [0, "serve"],
      [5, "submit", submit([later])],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms submit serving   createTask(t1, {}), createStep({0, pending, [], [], [], 0, 0, 0, 1, 0, 3, 0, "", 0, "", 0, 0, "", 0, "", false, false, false, "", 0, 0, 0, 0, t1, main, triage, standard(main, null, {exponential, 1000, 60000, 1}, 1, 3, 0)}), setDeadline(t1, "", timeout, 61000), setDeadline(t1, "", start, 1000), reply(tasks([t1]))
    "
  `);
});

test("the same key with the same request is the same task; with another request it is a conflict", () => {
  const key = { idempotencyKey: "k", fingerprint: "a" };
  const keyOwner = task({ spec: spec(key) });

  expect(
    play(taskRequestMachine, undefined, [
      [0, "serve"],
      [5, "submit", submit([draft("t2", key)], viewOf({ keyOwner }))],
      [9, "submit", submit([draft("t3", { ...key, fingerprint: "b" })], viewOf({ keyOwner }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms submit serving   reply(tasks([t1]))
    9 ms submit serving   reply(tasks([key_conflict: idempotency_key "k" belongs to task t1, whose …]))
    "
  `);
});

test("a plane that starts hears nothing, one that drains refuses, a saturated one goes on with what it has taken", () => {
  expect(
    play(taskRequestMachine, undefined, [
      [0, "submit", submit([])],
      [1, "serve"],
      [2, "fill"],
      [3, "submit", submit([])],
      [4, "ease"],
      [5, "drain"],
      [6, "submit", submit([draft("t1")])],
      [7, "stop"],
      [8, "submit", submit([])],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms submit ignored
    1 ms serve  serving
    2 ms fill   saturated
    3 ms submit saturated  reply(tasks([]))
    4 ms ease   serving
    5 ms drain  draining
    6 ms submit draining   reply(fault(unavailable: the plane is draining and takes no new tasks; n…))
    7 ms stop   stopped
    8 ms submit ignored
    "
  `);
});

test("a plane that drains takes no new templates either", () => {
  const { registeredAt: _, ...wanted } = registered(template([{ name: "a" }]));
  const register = { caller, template: wanted, view: viewOf(), ...half };

  expect(
    play(taskRequestMachine, undefined, [
      [1, "serve"],
      [2, "register", register],
      [3, "drain"],
      [4, "register", register],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms          starting
    1 ms serve    serving
    2 ms register serving   keepTemplate({default, flow, 1.0.0, {flow, default, 1.0.0, […]}, "", d1, 2}), reply(template({default, flow, 1.0.0, {flow, default, 1.0.0, …}, "", d1, 2}))
    3 ms drain    draining
    4 ms register draining  reply(fault(unavailable: the plane is draining and takes no new tasks; n…))
    "
  `);
});
