import { sinksOf } from "#domain/graph/graph";
import type { StepKey } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { Needs } from "#domain/needs";
import {
  entryName,
  type KeptRecord,
  keptRecord,
  NO_SIGNALS,
  type OpenEntry,
  recordKey,
  type TaskSignals,
} from "#domain/task/journal";
import { resultBytes, resultText } from "#domain/task/result";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { earliest, type Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { keysOf } from "../keys.js";
import { advanceStep, keyOf } from "../make-command.js";
import { taskAlone } from "../task/quiescence.js";
import type { MessageView } from "../view.js";
import { addRecord, journalOf } from "./journal.js";
import { placeOf } from "./place.js";

/** What the agent of a Step waits for without a Run: sleeps, signals and Tasks that it has journaled. */

/** What something that is waited for has come to. */
interface WaitEnd {
  readonly of: OpenEntry;
  readonly state: "COMPLETED" | "FAILED";
  readonly result: string;
  readonly errorMessage: string;
}

/** The Step, and the rows and texts that tell which of the entries are over. */
export function waitNeeds(key: StepKey, entries: readonly number[], view: MessageView): Needs {
  const steps: StepKey[] = [key];
  const step = view.step(key);
  const task = view.task(key.taskId);
  if (!step || !task) return { steps };
  const graphs: TaskRow["id"][] = [];
  const outputs: StepKey[] = [];
  const journal: StepKey[] = [];
  const { kept } = signalsOf(task);
  for (const entry of waitedFor(step, entries)) {
    if (entry.kind === "SIGNAL") {
      // All of its name: several entries may wait for it, and each takes another one.
      const came = kept.filter(({ name }) => name === entry.name);
      for (const { seq } of came) journal.push(recordKey(taskAlone(task.id), seq));
      if (entry.until !== undefined) journal.push(recordKey(keyOf(step), entry.seq));
    }
    const { childId } = entry;
    if (childId === undefined) continue;
    steps.push(taskAlone(childId));
    const child = view.task(childId);
    if (!child || taskStatus(child) !== "COMPLETED") continue;
    graphs.push(childId);
    const childSteps = view.stepsOf(childId);
    if (resultBytes(childSteps) <= limits.resultBytes) {
      outputs.push(
        ...keysOf(
          childId,
          sinksOf(childSteps).map(({ name }) => name),
        ),
      );
    }
  }
  return { steps, graphs, outputs, journal };
}

/** The Step's Run has ended for the sake of these entries: the Step goes on as soon as one is over, perhaps at once. */
export function suspend(
  task: TaskRow,
  step: StepRow,
  entries: readonly number[],
  view: MessageView,
  at: Instant,
): Command[] {
  const suspended = advanceStep(step, { type: "suspended", at, entries });
  const journal = journalOf(step);
  const counted = { ...step, journal: { ...journal, suspensions: journal.suspensions + 1 } };
  const woken = wake(task, counted, entries, view, at);
  if (woken) return [suspended, ...woken];
  const noted: Command = { type: "noteJournal", params: { ...keyOf(step), journal: counted.journal } };
  return [suspended, noted, ...wakeDeadline(step, entries)];
}

/** Something that a suspended Step waits for may be over: then it goes on; otherwise it waits on. */
export function wakeIfOver(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Command[] {
  const { waits } = step;
  if (step.state !== "in_progress" || !waits) return [];
  const woken = wake(task, step, waits, view, at);
  return woken ? [clearWake(step), ...woken] : wakeDeadline(step, waits);
}

/** What a waiting Step gets by a signal, and goes on; undefined if it does not wait for it. */
export function wakeBySignal(
  task: TaskRow,
  step: StepRow,
  name: string,
  payload: string,
  at: Instant,
): Command[] | undefined {
  const of = step.waits && waitedFor(step, step.waits).find((each) => isSignal(each, name));
  if (!of || step.state !== "in_progress") return undefined;
  const end = { of, state: "COMPLETED", result: payload, errorMessage: "" } as const;
  return [clearWake(step), ...goOn(task, step, [end], at)];
}

/** No deadline wakes the Step any more. */
export function clearWake(step: StepRow): Command {
  return { type: "clearDeadline", params: { ...keyOf(step), kind: "wake" } };
}

export function signalsOf({ signals = NO_SIGNALS }: Pick<TaskRow, "signals">): TaskSignals {
  return signals;
}

function isSignal({ kind, name }: OpenEntry, wanted: string): boolean {
  return kind === "SIGNAL" && name === wanted;
}

function waitedFor(step: StepRow, entries: readonly number[]): OpenEntry[] {
  const wanted = new Set(entries);
  return journalOf(step).open.filter(({ entry }) => wanted.has(entry));
}

/** Records what is over, and queues the Step; undefined if nothing is. */
function wake(
  task: TaskRow,
  step: StepRow,
  entries: readonly number[],
  view: MessageView,
  at: Instant,
): Command[] | undefined {
  let signals = signalsOf(task);
  const ends: WaitEnd[] = [];
  for (const of of waitedFor(step, entries)) {
    if (of.kind === "SIGNAL") {
      const came = signals.kept.find(({ name }) => name === of.name);
      if (came) {
        signals = { ...signals, kept: signals.kept.filter((each) => each !== came) };
        const result = view.record(taskAlone(task.id), came.seq);
        invariant(
          result !== undefined,
          `the payload of signal "${of.name}" of task ${task.id} is not at hand`,
        );
        ends.push({ of, state: "COMPLETED", result, errorMessage: "" });
        continue;
      }
    }
    const end = endOf(step, of, view, at);
    if (end) ends.push(end);
  }
  if (ends.length === 0) return undefined;
  const taken: Command[] =
    signals === signalsOf(task) ? [] : [{ type: "noteSignals", params: { taskId: task.id, signals } }];
  return [...taken, ...goOn(task, step, ends, at)];
}

/** What an entry has come to, by the rows; undefined if it is not over. */
function endOf(step: StepRow, of: OpenEntry, view: MessageView, at: Instant): WaitEnd | undefined {
  if (of.problem !== undefined) return failed(of, of.problem);
  const isDue = of.until !== undefined && of.until <= at;
  switch (of.kind) {
    case "SLEEP":
      return isDue ? { of, state: "COMPLETED", result: "", errorMessage: "" } : undefined;
    case "SIGNAL":
      return isDue ? unsignalled(step, of, view) : undefined;
    case "CHILD":
      return of.childId === undefined ? undefined : childEnd(of, of.childId, view);
    default:
      return undefined;
  }
}

/** Nobody has sent the signal in time: its default is the result, or the wait fails. */
function unsignalled(step: StepRow, of: OpenEntry, view: MessageView): WaitEnd {
  const begun = view.record(keyOf(step), of.seq);
  invariant(begun !== undefined, `entry ${of.entry} of step "${step.name}" is not at hand`);
  const { wait } = keptRecord(begun);
  if (wait?.otherwise !== undefined) {
    return { of, state: "COMPLETED", result: wait.otherwise, errorMessage: "" };
  }
  return failed(of, `nobody sent signal "${of.name}" within ${wait?.duration ?? 0} ms`);
}

function childEnd(of: OpenEntry, childId: TaskRow["id"], view: MessageView): WaitEnd | undefined {
  const child = view.task(childId);
  if (!child) return failed(of, `child task ${childId} is no longer known`);
  if (!isTerminal(child.state)) return undefined;
  const status = taskStatus(child);
  if (status !== "COMPLETED") {
    return failed(of, `child task ${childId} ended ${status}: ${child.errorMessage || "no reason given"}`);
  }
  const steps = view.stepsOf(childId);
  if (resultBytes(steps) > limits.resultBytes) {
    return failed(
      of,
      `the result of child task ${childId} is over ${limits.resultBytes} bytes: let it return less`,
    );
  }
  const result = resultText(steps, (stepName) => view.output({ taskId: childId, stepName }));
  return { of, state: "COMPLETED", result, errorMessage: "" };
}

function failed(of: OpenEntry, errorMessage: string): WaitEnd {
  return { of, state: "FAILED", result: "", errorMessage };
}

/** The Step's agent goes on in another Run, with what it has waited for in its journal. */
function goOn(task: TaskRow, step: StepRow, ends: readonly WaitEnd[], at: Instant): Command[] {
  let journal = journalOf(step);
  const kept = ends.flatMap(({ of, ...end }) => {
    const { childId } = of;
    const record: KeptRecord = {
      ...entryName(of),
      ...end,
      entry: of.entry,
      seq: journal.records,
      at,
      ...(childId !== undefined && { childId }),
    };
    const added = addRecord(step, journal, record);
    journal = added.journal;
    return added.commands;
  });
  return [
    ...kept,
    { type: "noteJournal", params: { ...keyOf(step), journal } },
    advanceStep(step, { type: "woken", at, ...placeOf(task, step, at) }),
  ];
}

/** When the first of the entries is over by itself; nothing if that is not known of any. */
function wakeDeadline(step: StepRow, entries: readonly number[]): Command[] {
  const ends = waitedFor(step, entries).map(({ until }) => until);
  const at = ends.reduce<Instant | undefined>(earliest, undefined);
  return at === undefined ? [] : [{ type: "setDeadline", params: { ...keyOf(step), kind: "wake", at } }];
}
