import { type KeptRecord, recordBytes, recordOfRun } from "#domain/task/journal";
import { isOver, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later } from "#domain/time/time";
import type { Command } from "../commands.js";
import { planNeeds } from "../handler.js";
import { advanceRun, keyOf } from "../make-command.js";
import { journalAck } from "../run-tracker/runs.js";
import { addRecord, journalOf, misplaced, overfull } from "../step/journal.js";
import { childTemplate } from "../task/child.js";
import { createSpawned, spawnedTask } from "../task/spawned.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler, FinalizerMessage } from "./handler.js";

/** The agent of a Step has begun or done something: the record is added to the Step's journal, or the Run is broken off. */
export const journal: FinalizerHandler<"journal"> = {
  needs(message, view) {
    const { runId, record } = message;
    const task = view.task(message.taskId);
    const template = record.wait?.child && task ? childTemplate(task, record.wait.child) : null;
    return { steps: [message], runs: [runId], ...planNeeds(template, task, view) };
  },

  decide(message, view, { at }) {
    const { runId, record } = message;
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    const run = view.run(runId);
    if (!task || !run || step?.runId !== runId || !isOpenTo(run, step)) return [];

    const before = journalOf(step);
    if (record.seq !== before.records) return acknowledge(message, step, record.seq);
    const wrong = misplaced(record, before);
    // Of a Run that has ended nothing more can be broken off.
    if (isOver(run.status) && (wrong ?? overfull(record, before)) !== undefined) return [];
    if (wrong !== undefined) {
      return [advanceRun(run, { type: "broken", at, reason: "REPORT_INVALID", message: `${wrong}.` })];
    }
    const full = overfull(record, before);
    if (full !== undefined) {
      const text = `the step's journal is full: ${full}`;
      return [advanceRun(run, { type: "broken", at, reason: "JOURNAL_LIMIT", message: text })];
    }
    return add(message, task, step, view, at);
  },
};

/** Whether a record of the Step's newest Run still counts: while it is at work, or until a Run that a budget has ended has a follower. */
function isOpenTo(run: RunRow, { state, heldFor, waits }: StepRow): boolean {
  if (!isOver(run.status)) return state === "in_progress" && !waits;
  return heldFor === "BUDGET_EXCEEDED" || state === "enqueued" || state === "waiting_for_retry";
}

/** A record that is there, or that is too far ahead: the worker is told where the journal is. */
function acknowledge({ runId, session }: FinalizerMessage<"journal">, step: StepRow, seq: number): Command[] {
  if (session === undefined) return [];
  const { records, open } = journalOf(step);
  if (seq > records) return [journalAck(runId, session, records)];
  return [journalAck(runId, session, seq + 1, open.find((each) => each.seq === seq)?.childId)];
}

function add(
  { runId, record, session }: FinalizerMessage<"journal">,
  task: TaskRow,
  step: StepRow,
  view: MessageView,
  at: Instant,
): Command[] {
  const request = record.state === "BEGUN" ? record.wait?.child : undefined;
  const child = request && spawnedTask(task, step, request, view, at);
  const problem = typeof child === "string" ? child : undefined;
  const childId = child && typeof child !== "string" ? child.task.id : undefined;
  const said = recordOfRun(record, at, runId);
  const kept: KeptRecord = record.wait
    ? { ...said, ...(childId !== undefined && { childId }), ...untilOf(record, at) }
    : said;
  const small = withoutInput(kept);
  const { journal: after, commands } = addRecord(step, journalOf(step), small, problem);
  // What the child is given counts, although the child has it.
  const more = small === kept ? 0 : recordBytes(kept) - recordBytes(small);
  const journal = more === 0 ? after : { ...after, bytes: after.bytes + more };
  return [
    ...commands,
    { type: "noteJournal", params: { ...keyOf(step), journal } },
    ...(child && typeof child !== "string" ? createSpawned(child, at) : []),
    ...(session === undefined ? [] : [journalAck(runId, session, record.seq + 1, childId)]),
  ];
}

function untilOf({ kind, wait }: KeptRecord | FinalizerMessage<"journal">["record"], at: Instant) {
  if (!wait || kind === "CHILD" || (kind === "SIGNAL" && wait.duration === 0)) return {};
  return { until: later(at, wait.duration) };
}

/** The input of a child is kept with the child alone. */
function withoutInput(record: KeptRecord): KeptRecord {
  const { wait } = record;
  return wait?.child ? { ...record, wait: { ...wait, child: { ...wait.child, input: "" } } } : record;
}
