import { runNotYours } from "#domain/refusals";
import type { LogEntry } from "#domain/task/log";
import {
  type ChatReport,
  type EventReport,
  type OutputReport,
  outputLimit,
  type StatusReport,
} from "#domain/task/report";
import { hasBegun, isOver, type RunRow } from "#domain/task/run";
import { misfitOf, schemaReason } from "#domain/template/verdict";
import { utf8Bytes } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import type { SessionRow } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { Command, RefusalCause } from "../commands.js";
import { resultSchemaNeeds } from "../handler.js";
import { advanceRun, refuse } from "../make-command.js";
import type { RunMessage } from "../run/messages.js";
import type { RunTrackerHandler } from "./handler.js";
import { ackStatus, breakOff, type Heard } from "./heard.js";
import { handleRecord, handleSuspend, mayStillTell } from "./journal.js";
import type { RunReport } from "./messages.js";
import { cancelRun, outputAck, statusAck } from "./runs.js";
import { hearUsage } from "./usage.js";

/** A worker speaks about one of its Runs: what changes, and what the worker hears in answer. */
export const report: RunTrackerHandler<"report"> = {
  needs({ report: { runId } }, view) {
    const run = view.run(runId);
    const step = run && view.step(run);
    return { runs: [runId], ...resultSchemaNeeds(step, run && view.task(run.taskId), view) };
  },

  decide(message, view, { at }) {
    const speaker = view.session(message.session);
    const known = view.run(message.report.runId);
    const isForeign = known !== undefined && speaker !== undefined && known.principal !== speaker.principal;
    if (isForeign && mayKnow(speaker, known)) {
      return [refuse(runNotYours(known.id)), { type: "countRefused", params: { cause: "foreign" } }];
    }
    const run = isForeign ? undefined : known;
    if (message.report.type === "usage" && speaker) {
      const { report: said, session } = message;
      return hearUsage({ report: said, run, session, acks: expectsAcks(speaker), view, at });
    }
    const refused = refusalOf(message, run, speaker);
    const cause = refused === "ended" && run && mayStillTell(message, run) ? undefined : refused;
    if (cause || !run) return refuseReport(message, run, speaker, cause ?? "unknown", at);

    const { session, bytes } = message;
    return handle(message.report, { run, session, bytes, acks: expectsAcks(speaker), view, at });
  },
};

function handle(report: Report, heard: Heard): Command[] {
  const { run, at } = heard;
  switch (report.type) {
    case "status":
      return handleStatus(report, heard);
    case "output":
      return handleOutput(report, heard);
    case "event":
    case "chat":
      return exceedsLimit(heard) ?? record(heard, entryOf(report, at), 0);
    case "decline":
      return [advanceRun(run, { type: "declined", at, message: report.reason })];
    case "yield": {
      const { cursor, output } = report;
      return [advanceRun(run, { type: "yielded", at, cursor, output }), ...ackStatus(heard)];
    }
    case "refused":
      return breakOff(report, heard);
    case "journal":
      return handleRecord(report, heard);
    case "suspend":
      return handleSuspend(report, heard);
    case "usage":
      return [];
  }
}

type Report = RunReport["report"];

/** True if the worker waits for acks. */
function expectsAcks(session: SessionRow | undefined): boolean {
  return session !== undefined && session.protocol >= 1;
}

/** True if the worker serves the Run's namespace. Of others it must not learn that there is such a Run. */
function mayKnow({ info: { namespaces } }: SessionRow, { namespace }: RunRow): boolean {
  return namespaces.length === 0 || namespaces.includes(namespace);
}

/** A report counts only if Run, fence, principal and session are the Run's own, and the Run is alive. */
function refusalOf(
  { report, session }: RunReport,
  run: RunRow | undefined,
  speaker: SessionRow | undefined,
): RefusalCause | undefined {
  if (!run) return "unknown";
  if (!speaker) return "foreign";
  if ("fence" in report && report.fence !== undefined && report.fence !== run.fence) return "stale";
  if (isOver(run.status)) return "ended";
  if (run.session !== session || run.heldBy !== session) return "foreign";
  return undefined;
}

/** A report that changes nothing is answered all the same, so that the worker stops and forgets. */
function refuseReport(
  { report, session }: RunReport,
  run: RunRow | undefined,
  speaker: SessionRow | undefined,
  cause: RefusalCause,
  at: Instant,
): Command[] {
  const { runId } = report;
  const isRepeated = cause === "ended" && isRepeat(report, run);
  const counted = { type: "countRefused", params: { cause: isRepeated ? "repeated" : cause } } as const;
  const stopped = isRepeated ? [] : [cancelRun(session, runId, reasons[cause])];
  const holds = cause === "ended" && run?.heldBy === session;
  if (!isLastWord(report)) {
    // It changes nothing about the end, but shows that the agent has begun: a decline to come does not say otherwise.
    const begun = holds && !hasBegun(run) ? [advanceRun(run, { type: "started", at })] : [];
    return [...begun, ...stopped, counted];
  }
  return [
    ...stopped,
    counted,
    ...(expectsAcks(speaker) ? [statusAck(runId, session)] : []),
    ...(holds ? [advanceRun(run, lastWord(report, at))] : []),
  ];
}

/** What an ended Run hears of its worker's last word: whatever that is, the worker holds it no more. */
function lastWord(report: Report, at: Instant): RunMessage {
  return report.type === "decline"
    ? { type: "declined", at, message: report.reason }
    : { type: "released", at };
}

function isLastWord(report: Report): boolean {
  return (
    report.type === "decline" ||
    report.type === "yield" ||
    report.type === "suspend" ||
    (report.type === "refused" && report.last) ||
    (report.type === "status" && isOver(report.status))
  );
}

/** The last word once more, because its ack was lost. */
function isRepeat(report: Report, run: RunRow | undefined): boolean {
  if (report.type === "yield") return run?.reason === "YIELDED";
  if (report.type === "suspend") return run?.reason === "SUSPENDED";
  if (report.type === "refused") return report.last && run?.reason === "REPORT_INVALID";
  return report.type === "status" && report.status === run?.status;
}

const reasons: Record<RefusalCause, string> = {
  unknown: "the plane does not know this run",
  foreign: "the run is another session's",
  stale: "the run has been superseded by a later attempt",
  ended: "the run has ended",
  repeated: "the run has ended",
  gap: "output is missing",
  invalid: "a report about the run was refused",
};

function handleStatus(report: StatusReport, heard: Heard): Command[] {
  const { run, at } = heard;
  const { backend, errorMessage, errorDetail } = report;
  const ack = ackStatus(heard);

  switch (report.status) {
    case "RUNNING":
      return run.status === "RUNNING" ? [] : [advanceRun(run, { type: "started", at })];
    case "COMPLETED":
      return handleCompleted(report, heard);
    case "FAILED": {
      const retryable = report.retryable ?? true;
      const failed = {
        type: "failed",
        at,
        backend,
        errorMessage,
        ...(errorDetail !== undefined && { errorDetail }),
        retryable,
        retryAfter: report.retryAfter,
        ...(report.reason && { reason: report.reason, inDoubt: true }),
      } as const;
      return [advanceRun(run, failed), ...ack];
    }
    case "CANCELLED":
      return [advanceRun(run, { type: "cancelled", at, errorMessage }), ...ack];
    case "PENDING":
    case "ASSIGNED":
      return [{ type: "countRefused", params: { cause: "stale" } }];
  }
}

/** The result counts once all that the Run has written before it is here, and if it fits its schema. */
function handleCompleted(report: StatusReport, heard: Heard): Command[] {
  const { run, session, view, at } = heard;
  const { backend, output } = report;
  if ((report.outputCount ?? 0) > run.nextSeq) return [outputAck(run, session)];
  const step = view.step(run);
  const problem = step && view.resultProblem(step, output);
  if (!problem) {
    const completed = { type: "completed", at, backend, output, outputBytes: utf8Bytes(output) } as const;
    return [advanceRun(run, completed), ...ackStatus(heard)];
  }
  const reason = schemaReason(problem);
  const failed = {
    type: "failed",
    at,
    backend,
    errorMessage: misfitOf("the result", "result_schema", problem),
    // Another result may fit; that a check takes too long, no other attempt would change.
    retryable: reason === undefined,
    retryAfter: report.retryAfter,
    inDoubt: true,
    ...(reason && { reason }),
  } as const;
  return [advanceRun(run, failed), ...ackStatus(heard)];
}

function handleOutput(report: OutputReport, heard: Heard): Command[] {
  const { run, session, acks, at } = heard;
  if (report.seq !== run.nextSeq) {
    const cause = report.seq < run.nextSeq ? "repeated" : "gap";
    return [{ type: "countRefused", params: { cause } }, ...(acks ? [outputAck(run, session)] : [])];
  }
  const broken = exceedsLimit(heard);
  if (broken) return broken;

  const { runId, seq, content, isFinal, metadata, sentAt } = report;
  const { fence } = run;
  const entry = { type: "output", at, runId, fence, seq, content, isFinal, metadata, sentAt } as const;
  const commands = record(heard, entry, 1);
  return acks ? [...commands, outputAck({ ...run, nextSeq: seq + 1 }, session)] : commands;
}

/** Breaks the Run off if it says more than one Run may. */
function exceedsLimit({ run, bytes, at }: Heard): Command[] | undefined {
  if (run.outputBytes + bytes <= limits.runOutputBytes) return undefined;
  const message = outputLimit;
  return [advanceRun(run, { type: "broken", at, reason: "OUTPUT_LIMIT", message })];
}

/** Adds to the Task's log what a Run says. */
function record({ run, bytes, at }: Heard, entry: LogEntry, count: number): Command[] {
  return [
    { type: "record", params: { taskId: run.taskId, entry } },
    advanceRun(run, { type: "wrote", at, count, bytes }),
  ];
}

function entryOf(report: EventReport | ChatReport, at: Instant) {
  const { runId, sentAt } = report;
  if (report.type === "chat") {
    return { type: "chat", at, runId, role: report.role, content: report.content, sentAt } as const;
  }
  const { id, kind, name, metadata } = report;
  const named = name !== undefined && { name };
  return { type: "event", at, runId, id, kind, ...named, sentAt, metadata } as const;
}
