import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "#actors/commands";
import { submit } from "#actors/task-request/submit";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskDraft } from "#domain/task/task";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { asked } from "./kit/asked.js";
import { plan, planDraft } from "./kit/plans.js";
import { draft, lane, spec, t1, task } from "./kit/rows.js";
import { half, viewOf } from "./kit/views.js";

const at = instant(10);
const moment = { at, ...half };

/** For each draft the Task it became or its Fault's reason, and the Tasks that were made. */
function admitted(drafts: readonly TaskDraft[], view = viewOf(), caller: Caller = LOCAL_CALLER) {
  const commands = submit.decide({ type: "submit", caller, drafts }, view, moment);
  const made = commands.flatMap((command: Command) =>
    command.type === "createTask" ? [command.params.task.id] : [],
  );
  const last = commands.at(-1);
  if (last?.type !== "reply" || last.params.answer.type !== "tasks")
    throw new Error("the last ask is no answer");
  const answers = last.params.answer.tasks.map((one) => (one instanceof Fault ? one.reason : one));
  return { answers, made };
}

/** Throws what one draft is refused with. */
function refused(one: TaskDraft, view: ReturnType<typeof viewOf>, now = at): void {
  const commands = submit.decide({ type: "submit", caller: LOCAL_CALLER, drafts: [one] }, view, {
    ...{ ...moment, at: now },
  });
  const last = commands.at(-1);
  const answer = last?.type === "reply" && last.params.answer.type === "tasks" && last.params.answer.tasks[0];
  if (answer instanceof Fault) throw answer;
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
  const keyOwner = task({ spec: spec({ idempotencyKey: "k", fingerprint: "a" }) });
  const view = viewOf({ keyOwner, waiting: limits.waitingTotal });

  expect(admitted([keyed("t2")], view)).toEqual({ answers: [t1], made: [] });
});

test("a batch is admitted up to the limit of its namespace, and the rest is told to come back", () => {
  const view = viewOf({ waitingIn: { default: limits.waitingPerNamespace - 2 } });
  const drafts = [draft("t1"), draft("t2"), draft("t3"), draft("t4", {}, "other")];

  expect(admitted(drafts, view)).toEqual({
    answers: ["t1", "t2", "QUEUE_FULL", "t4"],
    made: ["t1", "t2", "t4"],
  });
});

test("an operator's limit of waiting tasks counts earlier drafts, and is named in the refusal", () => {
  const view = viewOf({ waitingIn: { default: 3 }, waitingLimit: 5 });

  expect(admitted([draft("t1"), draft("t2"), draft("t3")], view).answers).toEqual([
    "t1",
    "t2",
    "WAITING_TASKS",
  ]);
  expect(() => refused(draft("t4"), viewOf({ waitingIn: { default: 5 }, waitingLimit: 5 }))).toThrowError(
    'namespace "default" has 5 waiting tasks, the most that waiting-tasks lets it have: nothing was stored',
  );
});

test("a namespace that has written its output of the day gets no new task until midnight", () => {
  const view = viewOf({ outputLimitReached: 3 * 1_048_576 });
  let fault: unknown;
  try {
    refused(draft("t1"), view, instant(86_400_000 - 90_000));
  } catch (error) {
    fault = error;
  }
  expect(fault).toMatchObject({
    ...{ code: "overloaded", reason: "DAILY_OUTPUT" },
    details: {
      retryAfter: 90_000,
      metadata: { namespace: "default", setting: "daily-output", limit: "3" },
    },
  });
});

test("a key that is taken answers for its task whatever its namespace has reached", () => {
  const keyOwner = task({ spec: spec({ idempotencyKey: "k", fingerprint: "a" }) });
  const view = viewOf({ keyOwner, waitingLimit: 1, waitingIn: { default: 1 }, outputLimitReached: 1 });

  expect(admitted([keyed("t2")], view)).toEqual({ answers: [t1], made: [] });
});

test("the plane as a whole keeps no more than its limit", () => {
  const view = viewOf({ waiting: limits.waitingTotal - 1 });

  expect(admitted([draft("t1"), draft("t2", {}, "other")], view).answers).toEqual(["t1", "QUEUE_FULL"]);
});

test("a new lane needs room; a known one, or one made by an earlier draft, does not", () => {
  const view = viewOf({ lanesIn: { default: limits.lanesPerNamespace - 1 }, knownLanes: [lane.key] });
  const drafts = [
    draft("known"),
    draft("new", { agentName: "report" }),
    draft("same", { agentName: "report" }),
    draft("one more", { agentName: "exec" }),
  ];

  expect(admitted(drafts, view).answers).toEqual(["known", "new", "same", "QUEUE_FULL"]);
});

test("a namespace named like something every object has is counted like any other", () => {
  const view = viewOf({ waitingIn: { constructor: limits.waitingPerNamespace - 1 } });

  expect(admitted([draft("t1", {}, "constructor"), draft("t2", {}, "constructor")], view).answers).toEqual([
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
      const view = viewOf({ waitingIn: { a: full, b: full, toString: full } });
      const { answers, made } = admitted(all, view);

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
  expect(admitted(drafts, viewOf(), caller)).toEqual({ answers: ["DENIED"], made: [] });
});

const flow = plan([
  { name: "fetch", handler: { callable: "crawler" } },
  { name: "nap", type: "timer", timer: { delay_ms: 50 } },
  { name: "sum", dependencies: ["fetch", "nap"] },
]);

test("a task of a template begins with its steps; those that wait for nothing go at once", () => {
  const commands = submit.decide(
    { type: "submit", caller: LOCAL_CALLER, drafts: [planDraft(flow)] },
    viewOf(),
    moment,
  );
  expect(asked(commands)).toEqual([
    "new task t1 {}",
    "new fetch after [] open 0",
    "new nap after [] open 0",
    "new sum after [fetch nap] open 2",
    "task start",
    "fetch enqueue",
    "nap begin",
    "setDeadline nap timer 60",
    "task readyStepsFound",
    "answer t1",
  ]);
  const [made] = commands.flatMap((command) => (command.type === "createTask" ? [command.params.task] : []));
  expect(made).toMatchObject({
    counts: { pending: 3 },
    opened: {},
    tolerated: 0,
    isolated: 0,
    compensatedBy: "",
  });
});

test("a request's own number of tries is that of every step; without one the template's are", () => {
  const tries = (maxAttempts: number) =>
    submit
      .decide(
        { type: "submit", caller: LOCAL_CALLER, drafts: [planDraft(flow, { maxAttempts })] },
        viewOf(),
        moment,
      )
      .flatMap((command) => (command.type === "createStep" ? [command.params.step.maxAttempts] : []));
  expect(tries(0)).toEqual([1, 1, 1]);
  expect(tries(5)).toEqual([5, 5, 5]);
});

test("a task needs a lane for each agent of its template, and all of them or none", () => {
  const room = (lanes: number) => ({ lanesIn: { default: limits.lanesPerNamespace - lanes } });
  expect(admitted([planDraft(flow)], viewOf(room(2))).answers).toEqual(["t1"]); // the timer needs none
  expect(admitted([planDraft(flow)], viewOf(room(1)))).toEqual({ answers: ["QUEUE_FULL"], made: [] });

  const one = viewOf({ ...room(1), knownLanes: [lane.key] });
  const drafts = [
    planDraft(flow, {}, "t1"),
    draft("t2", { agentName: "crawler" }),
    planDraft(flow, {}, "t3"),
  ];
  expect(admitted(drafts, one).answers).toEqual(["t1", "t2", "t3"]);
});

test("a key whose time is over is the new task's, and the old one lets go of it in the same commit", () => {
  const keyOwner = (keyFor: number) =>
    task({
      createdAt: instant(5),
      spec: spec({ idempotencyKey: "k", fingerprint: "a", keyFor: millis(keyFor) }),
    });
  const answered = (keyFor: number, fingerprint = "a") => {
    const view = viewOf({ keyOwner: keyOwner(keyFor) });
    return asked(
      submit.decide(
        { type: "submit", caller: LOCAL_CALLER, drafts: [keyed("t2", fingerprint)] },
        view,
        moment,
      ),
    );
  };
  for (const fingerprint of ["a", "b"]) {
    const commands = answered(5, fingerprint);
    expect([commands[0], commands.at(-1)]).toEqual(["releaseKey", "answer t2"]);
  }
  expect(answered(6)).toEqual(["answer t1"]); // its time is over in a millisecond
  expect(answered(0)).toEqual(["answer t1"]); // its time is never over
});

test("the key is let go of for one draft of a batch alone: the next one finds it taken again", () => {
  const old = task({
    createdAt: instant(1),
    spec: spec({ idempotencyKey: "k", fingerprint: "a", keyFor: millis(1) }),
  });
  const view = viewOf({ keyOwner: old });
  const drafts = [keyed("t2"), keyed("t3")];
  const commands = submit.decide({ type: "submit", caller: LOCAL_CALLER, drafts }, view, moment);
  expect(asked(commands).at(-1)).toBe("answer t2 t2");
  expect(commands.filter(({ type }) => type === "releaseKey")).toHaveLength(1);
});

test("a key is not let go of for a draft that is refused", () => {
  const old = task({
    createdAt: instant(1),
    spec: spec({ idempotencyKey: "k", fingerprint: "a", keyFor: millis(1) }),
  });
  const view = viewOf({ keyOwner: old, waiting: limits.waitingTotal });
  const commands = submit.decide(
    { type: "submit", caller: LOCAL_CALLER, drafts: [keyed("t2")] },
    view,
    moment,
  );
  expect(commands.map(({ type }) => type)).toEqual(["reply"]);
});
