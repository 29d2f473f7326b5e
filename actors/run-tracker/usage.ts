import type { RunId, SessionId } from "#domain/id";
import { withCost } from "#domain/task/prices";
import type { UsageReport } from "#domain/task/report";
import { hasBegun, isOver, type RunRow } from "#domain/task/run";
import { usageOf } from "#domain/task/usage";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command, RefusalCause } from "../commands.js";
import { advanceRun, tellFinalizer } from "../make-command.js";
import { liveTask, type MessageView } from "../view.js";
import { cancelRun } from "./runs.js";

/** A report of usage, and by whom it came. */
interface HeardUsage {
  readonly report: UsageReport;
  /** Undefined if there is none that the speaker may know of. */
  readonly run: RunRow | undefined;
  readonly session: SessionId;
  /** True if the worker expects acks. */
  readonly acks: boolean;
  readonly view: MessageView;
  readonly at: Instant;
}

/**
 * A Run has used something of a model. That is spent, whatever has become of the Run: it counts once for each seq, also if the Run has
 * ended, was lost or is another session's by now. What cannot count is acknowledged too, as far as repeating it would change nothing.
 */
export function hearUsage(heard: HeardUsage): readonly Command[] {
  const { report, run, session, view, at } = heard;
  const { runId, seq, fence, used } = report;
  if (!run) return [...refused("unknown"), ...ack(heard, seq + 1)];
  const next = run.usage?.reports ?? 0;
  if (next >= limits.usageReports)
    return [...breakOff(run, at), ...refused("invalid"), ...ack(heard, seq + 1)];
  if (seq !== next) return [...refused(seq < next ? "repeated" : "gap"), ...ack(heard, next)];

  const { taskId, stepName } = run;
  const priced = withCost(used, view.prices);
  const counted = usageOf(priced);
  const isLate = liveTask(view, taskId) === undefined;
  const entry = { type: "usage", at, stepName, runId, fence, seq, used: priced } as const;
  const begins = run.heldBy === session && run.session === session && !hasBegun(run);
  return [
    ...(begins ? [advanceRun(run, { type: "started", at })] : []),
    { type: "countUsage", params: { runId, model: used.model, used: counted } },
    ...(isLate ? [] : [{ type: "record", params: { taskId, entry } } as const]),
    tellFinalizer({ type: "usage", taskId, used: counted, isLate, goesOn: !isOver(run.status) }),
    ...ack(heard, next + 1),
    // It should have stopped by now, and may not have heard so.
    ...(isOver(run.status) && run.heldBy === session ? [cancelRun(session, runId, "the run has ended")] : []),
  ];
}

/** Tells the worker which reports it may forget. */
function ack({ report, session, acks }: HeardUsage, nextSeq: number): Command[] {
  return acks ? [usageAck(report.runId, nextSeq, session)] : [];
}

function usageAck(runId: RunId, nextSeq: number, session: SessionId): Command {
  return { type: "send", params: { session, frame: { type: "ack.usage", runId, nextSeq } } };
}

function refused(cause: RefusalCause): Command[] {
  return [{ type: "countRefused", params: { cause } }];
}

/** What one Run may report is bounded; to leave out the rest would be to say that it is free. */
function breakOff(run: RunRow, at: Instant): Command[] {
  if (isOver(run.status)) return [];
  const message = `the run reported usage ${limits.usageReports} times, the most one run may: report sums of several calls`;
  return [advanceRun(run, { type: "broken", at, reason: "REPORT_INVALID", message })];
}
