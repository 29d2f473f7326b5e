import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ask } from "#actors/asks";
import { admit } from "#actors/task-request/admit";
import type { RequestFound } from "#actors/task-request/messages";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import type { TaskDraft } from "#domain/task";
import { instant } from "#domain/time";
import { requestFound } from "./found.js";
import { draft, lane, spec, t1, task } from "./rows.js";

const at = instant(10);

/** For each draft the Task it became or its Fault's reason, and the Tasks that were made. */
function admitted(
  drafts: readonly TaskDraft[],
  found: RequestFound = requestFound(),
  caller: Caller = LOCAL_CALLER,
) {
  const asks = admit({ type: "submit", caller, drafts }, found, at);
  const made = asks.flatMap((ask: Ask) => (ask.type === "createTask" ? [ask.params.task.id] : []));
  const last = asks.at(-1);
  if (last?.type !== "reply" || last.params.answer.type !== "tasks")
    throw new Error("the last ask is no answer");
  const answers = last.params.answer.tasks.map((one) => (one instanceof Fault ? one.reason : one));
  return { answers, made };
}

const keyed = (id: string, fingerprint = "a", namespace = "default") =>
  draft(id, { idempotencyKey: "k", fingerprint }, namespace);

test("two drafts of one batch with one key are one task, if their requests are the same", () => {
  expect(admitted([keyed("t1"), keyed("t2"), keyed("t3", "b")])).toEqual({
    answers: ["t1", "t1", "IDEMPOTENCY_KEY_REUSED"],
    made: ["t1"],
  });
});

test("a key belongs to its namespace, and no key to nobody", () => {
  expect(admitted([keyed("t1"), keyed("t2", "a", "other"), draft("t3"), draft("t4")])).toEqual({
    answers: ["t1", "t2", "t3", "t4"],
    made: ["t1", "t2", "t3", "t4"],
  });
});

test("a key that is taken answers for its task even if the queue is full", () => {
  const holders = [task({ spec: spec({ idempotencyKey: "k", fingerprint: "a" }) })];
  const found = requestFound({ holders, waiting: limits.waitingTotal });

  expect(admitted([keyed("t2")], found)).toEqual({ answers: [t1], made: [] });
});

test("a batch is admitted up to the limit of its namespace, and the rest is told to come back", () => {
  const found = requestFound({ waitingIn: { default: limits.waitingPerNamespace - 2 } });
  const drafts = [draft("t1"), draft("t2"), draft("t3"), draft("t4", {}, "other")];

  expect(admitted(drafts, found)).toEqual({
    answers: ["t1", "t2", "QUEUE_FULL", "t4"],
    made: ["t1", "t2", "t4"],
  });
});

test("the plane as a whole keeps no more than its limit", () => {
  const found = requestFound({ waiting: limits.waitingTotal - 1 });

  expect(admitted([draft("t1"), draft("t2", {}, "other")], found).answers).toEqual(["t1", "QUEUE_FULL"]);
});

test("a new lane needs room; a known one, or one made by an earlier draft, does not", () => {
  const found = requestFound({ lanesIn: { default: limits.lanesPerNamespace - 1 }, knownLanes: [lane.key] });
  const drafts = [
    draft("known"),
    draft("new", { agentName: "report" }),
    draft("same", { agentName: "report" }),
    draft("one more", { agentName: "exec" }),
  ];

  expect(admitted(drafts, found).answers).toEqual(["known", "new", "same", "QUEUE_FULL"]);
});

test("a namespace named like something every object has is counted like any other", () => {
  const found = requestFound({ waitingIn: { constructor: limits.waitingPerNamespace - 1 } });

  expect(admitted([draft("t1", {}, "constructor"), draft("t2", {}, "constructor")], found).answers).toEqual([
    "t1",
    "QUEUE_FULL",
  ]);
});

test("every draft has one answer, in order; every task made is answered, and no namespace passes its limit", () => {
  const drafts = fc
    .array(
      fc.record({
        namespace: fc.constantFrom("a", "b", "toString"),
        idempotencyKey: fc.constantFrom("", "k", "l"),
        fingerprint: fc.constantFrom("x", "y"),
      }),
      { maxLength: 20 },
    )
    .map((all) => all.map(({ namespace, ...part }, i) => draft(`t${i}`, part, namespace)));

  fc.assert(
    fc.property(drafts, fc.nat(5), (all, room) => {
      const full = limits.waitingPerNamespace - room;
      const found = requestFound({ waitingIn: { a: full, b: full, toString: full } });
      const { answers, made } = admitted(all, found);

      expect(answers).toHaveLength(all.length);
      expect([...new Set(answers.filter((answer) => answer.startsWith("t")))].sort()).toEqual(
        [...made].sort(),
      );
      for (const name of ["a", "b", "toString"]) {
        const count = made.filter((id) => all.find((each) => each.id === id)?.namespace === name).length;
        expect(count).toBeLessThanOrEqual(room);
      }
    }),
  );
});

test("a caller creates only in its own namespaces", () => {
  const caller: Caller = { principal: "ada", namespaces: ["own"], roles: [] };
  const drafts = [draft(t1, {}, "another")];
  expect(admitted(drafts, requestFound(), caller)).toEqual({ answers: ["DENIED"], made: [] });
});
