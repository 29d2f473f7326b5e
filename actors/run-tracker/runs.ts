import type { RunId, SessionId } from "#domain/id";
import { isOver, type RunRow } from "#domain/task/run";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceRun } from "../make-command.js";
import type { MessageView } from "../view.js";

/** What is said of Runs to the workers that hold them. */

/** The Runs with these ids that are here, each once. */
export function runsAt(ids: Iterable<RunId>, view: MessageView): RunRow[] {
  return [...new Set(ids)].flatMap((id) => view.run(id) ?? []);
}

/** Tells the worker which output is durable: it may forget that, and sends the rest again if asked. */
export function outputAck({ id: runId, nextSeq }: RunRow, session: SessionId): Command {
  return { type: "send", params: { session, frame: { type: "ack.output", runId, nextSeq } } };
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
