import { expect, test } from "vitest";
import { report } from "#actors/run-tracker/report";
import { usage } from "#actors/task-finalizer/usage";
import type { TaskId } from "#domain/id";
import type { Prices } from "#domain/task/prices";
import type { UsageReport } from "#domain/task/report";
import { NO_USAGE, type Usage } from "#domain/task/usage";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { heldRun, r1, s1, session, spec, step, t1, task } from "./kit/rows.js";
import { decide, type ViewParts, viewOf } from "./kit/views.js";

const used = { model: "m", inputTokens: 10, outputTokens: 4, cachedTokens: 2, toolCalls: 1 };
const { model: _, ...counts } = used;
const counted: Usage = { ...counts, usdMicros: 0, unpricedTokens: 14, reports: 1 };
const live = task({ state: "steps_in_process" });
const prices: Prices = new Map([["m", { input: 2_000_000n, output: 5_000_000n, cachedInput: 1_000_000n }]]);

/** What comes of a report of usage. */
function said(parts: Partial<ViewParts>, part: Partial<UsageReport> = {}) {
  const message = { type: "usage", runId: r1, fence: 1, seq: 0, used, ...part } as const;
  return decide(
    report,
    { type: "report", session: s1, report: message, bytes: 256 },
    { task: live, step: step(), ...parts },
    instant(5),
  );
}

const ack = (nextSeq: number, runId = r1) => ({
  type: "send",
  params: { session: s1, frame: { type: "ack.usage", runId, nextSeq } },
});
const count = (part: Partial<Usage> = {}) => ({
  type: "countUsage",
  params: { runId: r1, model: "m", used: { ...counted, ...part } },
});
const tell = (isLate: boolean, part: Partial<Usage> = {}, goesOn = !isLate) => ({
  type: "tell",
  params: {
    to: "task-finalizer",
    message: { type: "usage", taskId: t1, used: { ...counted, ...part }, isLate, goesOn },
  },
});
const entry = (part = {}) => ({
  type: "record",
  params: {
    taskId: t1,
    entry: {
      type: "usage",
      at: 5,
      stepName: "main",
      runId: r1,
      fence: 1,
      seq: 0,
      used: { ...used, ...part },
    },
  },
});
const refused = (cause: string) => ({ type: "countRefused", params: { cause } });
const reported = (reports: number) => ({ usage: { ...NO_USAGE, reports } });

test("a report of usage counts in its run, its log and its tasks, and is acknowledged", () => {
  expect(said({ runs: [heldRun()] })).toEqual([count(), entry(), tell(false), ack(1)]);
});

test("what the agent does not know of the cost, the price table does; what the agent says stands", () => {
  const priced = { usdMicros: 8 * 2 + 2 * 1 + 4 * 5, unpricedTokens: 0 };
  const usdMicros = priced.usdMicros;
  expect(said({ runs: [heldRun()], prices })).toEqual([
    count(priced),
    entry({ usdMicros }),
    tell(false, priced),
    ack(1),
  ]);
  const own = said({ runs: [heldRun()], prices }, { used: { ...used, usdMicros: 7 } });
  expect(own[0]).toEqual(count({ usdMicros: 7, unpricedTokens: 0 }));
});

test("each seq counts once: a repeat and what is ahead are answered with what is there", () => {
  const runs = [heldRun(reported(3))];
  expect(said({ runs }, { seq: 2 })).toEqual([refused("repeated"), ack(3)]);
  expect(said({ runs }, { seq: 4 })).toEqual([refused("gap"), ack(3)]);
  expect(said({ runs }, { seq: 3 }).map(({ type }) => type)).toEqual([
    "countUsage",
    "record",
    "tell",
    "send",
  ]);
});

test("usage counts whatever has become of the run: it has begun at least", () => {
  for (const [gone, goesOn] of [
    [heldRun({ status: "FAILED", heldBy: "", reason: "WORKER_LOST" }), false],
    [heldRun({ session: "s2" as never, heldBy: "s2" as never }), true],
    [heldRun({ fence: 9 }), true],
  ] as const) {
    expect(said({ runs: [gone] })).toEqual([count(), entry(), tell(false, {}, goesOn), ack(1)]);
  }
  const [first] = said({ runs: [heldRun({ status: "ASSIGNED" })] });
  expect(first).toEqual({ type: "advanceRun", params: { runId: r1, message: { type: "started", at: 5 } } });
});

test("who reports usage of a run that has ended while it holds it is told once more to stop", () => {
  const runs = [heldRun({ status: "FAILED", reason: "BUDGET_EXCEEDED", startedAt: instant(1) })];
  const stop = {
    type: "send",
    params: { session: s1, frame: { type: "cancel", runId: r1, reason: "the run has ended" } },
  };
  expect(said({ runs })).toEqual([count(), entry(), tell(false, {}, false), ack(1), stop]);
});

test("what comes after the end of the task is late: it counts, and no log has it", () => {
  const runs = [heldRun({ status: "COMPLETED", heldBy: "" })];
  expect(said({ runs, task: task({ state: "complete" }) })).toEqual([count(), tell(true), ack(1)]);
});

test("of a run that is unknown, or of which the speaker may not know, a report is forgotten by all", () => {
  expect(said({ runs: [] }, { seq: 6 })).toEqual([refused("unknown"), ack(7)]);
  const elsewhere = session({ info: { ...session().info, namespaces: ["other"] } });
  const runs = [heldRun({ principal: "somebody" })];
  expect(said({ runs, session: elsewhere })).toEqual([refused("unknown"), ack(1)]);
});

test("who speaks for another's run of its own namespace is refused, and nothing counts", () => {
  const [answer, cause] = said({ runs: [heldRun({ principal: "somebody" })] });
  expect(answer?.type).toBe("reply");
  expect(cause).toEqual(refused("foreign"));
});

test("without a session nothing counts: who speaks is not known", () => {
  const types = said({ runs: [heldRun()], session: undefined }).map(({ type }) => type);
  expect(types).not.toContain("countUsage");
});

test("a public worker is not acknowledged", () => {
  const types = said({ runs: [heldRun()], session: session({ protocol: 0 }) }).map(({ type }) => type);
  expect(types).toEqual(["countUsage", "record", "tell"]);
});

test("a run that reports more often than it may is broken off, and its worker forgets the rest", () => {
  const runs = [heldRun(reported(limits.usageReports))];
  const [broken, ...rest] = said({ runs }, { seq: limits.usageReports });
  expect(broken).toMatchObject({ type: "advanceRun", params: { message: { type: "broken" } } });
  expect(rest).toEqual([refused("invalid"), ack(limits.usageReports + 1)]);
  const over = [heldRun({ ...reported(limits.usageReports), status: "COMPLETED" })];
  expect(said({ runs: over }, { seq: limits.usageReports + 1 })).toEqual([
    refused("invalid"),
    ack(limits.usageReports + 2),
  ]);
});

test("usage counts in every task that its own belongs to, each once", () => {
  const [t2, t3, t4] = ["t2" as TaskId, "t3" as TaskId, "t4" as TaskId];
  const family = (id: TaskId, part: Parameters<typeof spec>[0]) => ({
    task: task({ id, spec: spec(part) }),
    steps: [],
  });
  const parts: Partial<ViewParts> = {
    // A compensation of t2, which is a child of t3, made as a Step of t4, which compensates t3.
    task: task({ spec: spec({ parent: { taskId: t4, stepName: "undo" }, compensates: t2 }) }),
    others: [
      family(t2, { parent: { taskId: t3, stepName: "sub" } }),
      family(t3, {}),
      family(t4, { compensates: t3 }),
    ],
  };
  const message = { type: "usage", taskId: t1, used: counted, isLate: true, goesOn: false } as const;
  expect(decide(usage, message, parts, instant(5))).toEqual(
    [t1, t4, t2, t3].map((taskId) => ({ type: "addUsage", params: { taskId, used: counted, isLate: true } })),
  );

  const alone = viewOf({ task: task({ spec: spec({ parent: { taskId: t4, stepName: "undo" } }) }) });
  expect(usage.needs(message, alone)).toEqual({ steps: [{ taskId: t4, stepName: "" }] });
  expect(usage.needs(message, viewOf({ task: live }))).toEqual({ steps: [] });
});

test("a run that goes on while a budget above it is used up has its task looked at, with what it reports", () => {
  const budget = { tokens: 100, usdMicros: 0, toolCalls: 0, wallMs: 0 };
  const t2 = "t2" as TaskId;
  const looks = (inputTokens: number, goesOn: boolean) => {
    const owner = task({ id: t2, spec: spec({ budget }), usage: { ...NO_USAGE, inputTokens } });
    const below = spec({ parent: { taskId: t2, stepName: "sub" }, budgetsAbove: [t2] });
    const parts = {
      task: task({ spec: below, state: "steps_in_process" }),
      others: [{ task: owner, steps: [] }],
    } as const;
    const message = { type: "usage", taskId: t1, used: counted, isLate: false, goesOn } as const;
    return decide(usage, message, parts, instant(5)).flatMap((command) =>
      command.type === "tell" && command.params.to === "task-finalizer" ? [command.params.message] : [],
    );
  };
  const look = (taskId: TaskId) => ({
    type: "deadline.passed",
    taskId,
    stepName: "",
    kind: "budget",
    due: 5,
  });

  expect(looks(85, true)).toEqual([]);
  expect(looks(86, true)).toEqual([look(t2), look(t1)]);
  expect(looks(100, true)).toEqual([look(t1)]);
  expect(looks(100, false)).toEqual([]);
});
