/** What a Step without a Run waits for: as its agent has journaled it, told to people, with the ways out. */
import { expect, test } from "vitest";
import { nextActions } from "#api/tasks/next-actions";
import type { TaskId } from "#domain/id";
import { NO_PAUSES } from "#domain/pause/pause-set";
import { type StepExplanation, waitOf } from "#domain/task/explanation";
import { NO_JOURNAL, type OpenEntry } from "#domain/task/journal";
import { type StepRow, stepSummary } from "#domain/task/step";
import { suspensionOf } from "#domain/task/suspension";
import type { TaskRow } from "#domain/task/task";
import { stepWaitingReason } from "#domain/task/waiting-reason";
import { instant, NEVER } from "#domain/time/time";
import { step, task, taskId } from "#testing/rows";

const id = taskId(1);
const moment = { now: instant(0), pauses: NO_PAUSES };
const named = { occurrence: 1, inputDigest: "", effect: "READ", concurrent: false } as const;
const signal = (entry: number, name: string, until?: number): OpenEntry => ({
  ...named,
  ...{ kind: "SIGNAL", name, entry, seq: entry },
  ...(until !== undefined && { until: instant(until) }),
});
const sleep = (entry: number, until: number): OpenEntry => ({
  ...named,
  ...{ kind: "SLEEP", name: "sleep", entry, seq: entry, until: instant(until) },
});
const child = (entry: number, childId: TaskId): OpenEntry => ({
  ...named,
  ...{ kind: "CHILD", name: "search", entry, seq: entry, childId },
});

function suspended(open: readonly OpenEntry[], waits = open.map(({ entry }) => entry)): StepRow {
  const journal = { ...NO_JOURNAL, records: open.length, entries: open.length, open };
  return step(id, { state: "in_progress", journal, waits });
}

const told = (row: StepRow) => stepWaitingReason(stepSummary(row), task(id), moment);

test.each<[string, readonly OpenEntry[], string]>([
  ["a signal", [signal(1, "approval")], 'SIGNAL: its agent waits for signal "approval"'],
  [
    "a signal in time",
    [signal(1, "approval", 60_000)],
    'SIGNAL: its agent waits for signal "approval", until 1970-01-01T00:01:00Z',
  ],
  ["a sleep", [sleep(1, 1_000)], "TIMER: its agent sleeps, until 1970-01-01T00:00:01Z"],
  ["a child", [child(1, taskId(2))], "CHILD_TASK: its agent waits for task task-0002"],
  [
    "the first of several",
    [child(1, taskId(2)), signal(2, "stop"), sleep(3, 9_000), sleep(4, 2_000)],
    'CHILD_TASK: its agent waits for task task-0002, or its agent waits for signal "stop", or its agent sleeps, or 1 more, until 1970-01-01T00:00:02Z',
  ],
])("a Step whose agent waits for %s says so", (_, open, reason) => {
  const row = suspended(open);
  expect(told(row).replace(".000Z", "Z")).toBe(reason);
  const wait = waitOf(task(id), row, [row], moment);
  const [cause] = reason.split(":");
  expect(wait).toMatchObject({ cause, until: suspensionOf(row)?.until });
  expect(reason).toContain(wait?.detail ?? "nothing");
});

test("a Step that runs, or that waits for none of what is open, is not suspended", () => {
  const open = [signal(1, "approval")];
  const { waits: _, ...running } = suspended(open);
  for (const row of [running, suspended(open, [7]), step(id, { state: "in_progress", waits: [1] })]) {
    expect(suspensionOf(row)).toBe(undefined);
    expect(told(row)).toBe("");
    expect(stepSummary(row)).not.toHaveProperty("suspended");
    expect(waitOf(task(id), row, [row], moment)).toBe(undefined);
  }
  expect(suspensionOf(suspended([sleep(1, 5), signal(2, "x")], [2]))).toMatchObject({
    cause: "SIGNAL",
    until: NEVER,
  });
});

function commands(row: StepRow, part: Partial<TaskRow> = {}): string[] {
  const of = task(id, part);
  const wait = waitOf(of, row, [row], moment);
  const none = { place: 0, workers: [], moreWorkers: 0, nearAgents: [] };
  const waiting: StepExplanation[] = wait ? [{ ...wait, ...none, name: row.name, state: row.state }] : [];
  return nextActions({ task: of, steps: [row] }, waiting, moment.pauses, []).map(({ command }) => command);
}

test("what it waits for can be sent, or looked at", () => {
  expect(
    commands(suspended([signal(1, "approval"), sleep(2, 5), child(3, taskId(2)), signal(4, "it's")])),
  ).toEqual([
    "taskrun task signal task-0001 approval --payload JSON",
    "taskrun task signal task-0001 'it'\\''s' --payload JSON",
    "taskrun task explain task-0002",
    "taskrun task cancel task-0001",
  ]);
});

test("what is in doubt is shown, and decided about entry by entry", () => {
  const charge: OpenEntry = { ...named, kind: "TOOL", name: "charge", effect: "ONCE", entry: 3, seq: 4 };
  const journal = { ...NO_JOURNAL, records: 5, entries: 3, open: [charge, sleep(2, 5)] };
  const held = step(id, { state: "error", journal, heldFor: "IN_DOUBT" });
  expect(commands(held, { state: "blocked_by_failures", counts: { error: 1 }, holds: 1 })).toEqual([
    "taskrun task steps task-0001 main",
    "taskrun task resolve task-0001 main --journal-entry 3 --result JSON",
    "taskrun task resolve task-0001 main --journal-entry 3 --done",
    "taskrun task resolve task-0001 main --journal-entry 3 --retry",
    "taskrun task cancel task-0001",
  ]);
});
