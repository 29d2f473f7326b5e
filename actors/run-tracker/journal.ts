import { isWait } from "#domain/task/journal";
import type { JournalReport, SuspendReport } from "#domain/task/report";
import type { RunRow } from "#domain/task/run";
import type { Command } from "../commands.js";
import { advanceRun, tellFinalizer } from "../make-command.js";
import { journalOf } from "../step/journal.js";
import { ackStatus, breakOff, type Heard } from "./heard.js";
import type { RunReport } from "./messages.js";
import { journalAck } from "./runs.js";

/** What an agent has begun or done goes into the journal of its Step, which the finalizer keeps. */
export function handleRecord({ record }: JournalReport, { run, session, acks, at }: Heard): Command[] {
  const { taskId, stepName, id: runId } = run;
  return [
    ...(run.status === "ASSIGNED" ? [advanceRun(run, { type: "started", at })] : []),
    tellFinalizer({ type: "journal", taskId, stepName, runId, record, ...(acks && { session }) }),
  ];
}

/**
 * What was done when the Run reported that it had used up a budget counts, although that has ended the Run: otherwise the step that was to
 * be paid for would be done, and paid for, once more. Nothing begins any more.
 */
export function mayStillTell({ report, session }: RunReport, { reason, heldBy }: RunRow): boolean {
  if (report.type !== "journal" || report.record.state === "BEGUN") return false;
  return reason === "BUDGET_EXCEEDED" && heldBy === session;
}

/** The Run ends until something is over, once all that it has journaled before is durable. */
export function handleSuspend(report: SuspendReport, heard: Heard): Command[] {
  const { run, session, view, at } = heard;
  const step = view.step(run);
  if (!step) return [];
  const { records, open } = journalOf(step);
  if (report.journalCount > records) return [journalAck(run.id, session, records)];
  const { entries } = report;
  const wrong = entries.find((entry) => !open.some((each) => each.entry === entry && isWait(each)));
  if (wrong !== undefined) {
    const message = `suspend.entries names ${wrong}, which is no entry that has begun and is waited for`;
    return breakOff({ type: "refused", runId: run.id, message, last: true }, heard);
  }
  return [advanceRun(run, { type: "suspended", at, entries }), ...ackStatus(heard)];
}
