import type { RunId, SessionId, TaskId } from "#domain/id";
import { hasBegun, isOver, type RunRow } from "#domain/task/run";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceRun } from "../make-command.js";
import type { MessageView } from "../view.js";

/** What is said of Runs to the workers that hold them. */

/** The Runs with these ids that are here, each once. */
export function runsAt(ids: Iterable<RunId>, view: MessageView): RunRow[] {
  return [...new Set(ids)].flatMap((id) => view.run(id) ?? []);
}

/** The Runs that the worker of a session holds: another node may have given some of them to a newer session. */
export function heldRuns(session: SessionId, view: MessageView): RunRow[] {
  return runsAt(view.heldBy(session), view).filter(({ heldBy }) => heldBy === session);
}

/** Tells the worker which output is durable: it may forget that, and sends the rest again if asked. */
export function outputAck({ id: runId, nextSeq }: RunRow, session: SessionId): Command {
  return { type: "send", params: { session, frame: { type: "ack.output", runId, nextSeq } } };
}

/** Tells the worker which records of its Step's journal are durable. @param childId the Task that the last of them has begun */
export function journalAck(runId: RunId, session: SessionId, nextSeq: number, childId?: TaskId): Command {
  const frame = { type: "ack.journal", runId, nextSeq, ...(childId !== undefined && { childId }) } as const;
  return { type: "send", params: { session, frame } };
}

/** Tells the worker that the Run has its last word: it may forget the Run. */
export function statusAck(runId: RunId, session: SessionId): Command {
  return { type: "send", params: { session, frame: { type: "ack.status", runId } } };
}

/** Tells the worker to stop the Run, and why. */
export function cancelRun(session: SessionId, runId: RunId, reason: string): Command {
  return { type: "send", params: { session, frame: { type: "cancel", runId, reason } } };
}

/** What becomes of a Run whose worker no longer has it: lost if it is alive, released if it is over. */
export function abandonRun(run: RunRow, at: Instant, message: string): Command {
  return advanceRun(run, isOver(run.status) ? { type: "released", at } : { type: "lost", at, message });
}

/**
 * What becomes of a Run that its returning worker did not show.
 *
 * @param sameProcess true if it is the process that had the Run: what it has not begun it has not heard of
 */
export function giveUp(run: RunRow, sameProcess: boolean, at: Instant): Command {
  if (sameProcess && !hasBegun(run)) {
    return advanceRun(run, { type: "declined", at, message: "the assignment did not reach the worker" });
  }
  return abandonRun(run, at, "the worker came back without the run");
}
