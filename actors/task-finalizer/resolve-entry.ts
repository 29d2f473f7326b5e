import { Fault } from "#domain/fault";
import { entryName, type KeptRecord, type OpenEntry } from "#domain/task/journal";
import type { StepRow } from "#domain/task/step";
import type { StepAction } from "#domain/task/step-action";
import type { TaskRow } from "#domain/task/task";
import { iso } from "#domain/time/iso";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { advanceStep, keyOf } from "../make-command.js";
import { doneBefore } from "../step/by-hand.js";
import { beginAgain, heldInDoubt } from "../step/doubt.js";
import { addRecord, inDoubt, journalOf } from "../step/journal.js";
import { liveRunsOf, type MessageView } from "../view.js";
import type { FinalizerMessage } from "./handler.js";

/** A person's word about an entry. */
type Word = FinalizerMessage<"resolve"> & { readonly entry: number };

/**
 * A person says whether an entry in doubt was done. A Step that has failed for its sake begins again, from its journal and with all
 * its attempts, once none of its entries is in doubt.
 */
export function resolveEntry(
  task: TaskRow,
  step: StepRow,
  word: Word,
  view: MessageView,
  at: Instant,
): Command[] | Fault {
  const { entry, action, caller, reason } = word;
  const open = inDoubt(step);
  const of = open.find((each) => each.entry === entry);
  if (!of) return notInDoubt(step, entry, open);
  const isLive = liveRunsOf(view, task.id).some(({ stepName }) => stepName === step.name);
  const held = heldInDoubt(step, view, at);
  if (isLive || held !== undefined) return notKnownYet(step, entry, isLive ? undefined : held);
  const said = saidLately(word, view, at);
  if (said) return saidAlready(step, entry, said);
  const before = journalOf(step);
  const record: KeptRecord = {
    ...entryName(of),
    entry,
    seq: before.records,
    at,
    actor: caller.principal,
    state: action.type === "retry" ? "NOT_DONE" : "COMPLETED",
    result: action.type === "complete" ? action.output : "",
    errorMessage: action.type === "retry" ? reason : "",
  };
  const { journal, commands } = addRecord(step, before, record);
  const noted: Command = { type: "noteJournal", params: { ...keyOf(step), journal } };
  if (step.state !== "error" || open.length > 1) return [...commands, noted];
  return [
    ...commands,
    noted,
    advanceStep(step, { type: "resetForRetry", at }),
    ...beginAgain(task, { ...step, attempts: 0 }, view, at),
  ];
}

/** True if the same has been said of the entry, which is not in doubt now, or is being done because of it: its answer was lost. */
export function isResolved(message: FinalizerMessage<"resolve">, view: MessageView, at: Instant): boolean {
  const { taskId, stepName, action } = message;
  const step = view.step({ taskId, stepName });
  if (!step) return false;
  if (!inDoubt(step).some(({ entry }) => entry === action.entry))
    return saidBefore(message, view) !== undefined;
  const isLive = liveRunsOf(view, taskId).some((run) => run.stepName === stepName);
  return isLive && saidLately(message, view, at) !== undefined;
}

function saidBefore(
  { taskId, stepName, caller, action: { type, entry }, reason }: FinalizerMessage<"resolve">,
  view: MessageView,
): StepAction | undefined {
  return doneBefore({ taskId, stepName }, { caller, type, reason, entry }, view);
}

/** When the same was said, not long ago: of an entry that has begun once more since, it may be wrong by now. */
function saidLately(
  message: FinalizerMessage<"resolve">,
  view: MessageView,
  at: Instant,
): StepAction | undefined {
  const said = saidBefore(message, view);
  return said && later(said.at, limits.saidAgain) > at ? said : undefined;
}

function saidAlready({ name }: StepRow, entry: number, said: StepAction): Fault {
  const text = `the same was said of entry ${entry} of step "${name}" at ${iso(said.at)}, and it is in doubt once more since: look again, and say it with another reason, or after ${iso(later(said.at, limits.saidAgain))}`;
  return new Fault("wrong_state", text, { field: "reason", reason: "ENTRY_STATE" });
}

/** @param until when the worker that has not let go of the last Run is waited for no longer; undefined if the Run is live */
function notKnownYet({ name }: StepRow, entry: number, until: Instant | undefined): Fault {
  const text =
    until === undefined
      ? `step "${name}" has a run, which may still say what became of entry ${entry}: wait for its end, or reset the step`
      : `the worker of the last run of step "${name}" has not let go of it, and may still be at entry ${entry}: say so again when it has, or after ${iso(until)}`;
  return new Fault("wrong_state", text, { reason: "STEP_STATE" });
}

function notInDoubt(step: StepRow, entry: number, open: readonly OpenEntry[]): Fault {
  const others =
    open.length === 0
      ? "none is"
      : `in doubt ${open.length === 1 ? "is" : "are"} ${open.map((each) => `${each.entry} ("${each.name}")`).join(", ")}`;
  const text = `entry ${entry} of the journal of step "${step.name}" is not in doubt; ${others}`;
  return new Fault("wrong_state", text, { field: "journal_entry", reason: "ENTRY_STATE" });
}
