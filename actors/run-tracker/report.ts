import type { SessionId } from "#domain/id";
import { limits } from "#domain/limits";
import type { LogEntry } from "#domain/log";
import {
  type ChatReport,
  type EventReport,
  type OutputReport,
  outputLimit,
  type RefusedReport,
  type StatusReport,
} from "#domain/report";
import { isOver, type RunRow } from "#domain/run";
import { utf8Bytes } from "#domain/text";
import type { Instant } from "#domain/time";
import { misfitOf, type SchemaProblem, schemaReason } from "#domain/verdict";
import type { Command, RefusalCause } from "../commands.js";
import type { RunMessage } from "../run/messages.js";
import type { RunReport, TrackerFound } from "./messages.js";

/** Decides what a worker's word about a Run changes, and what the worker hears in answer. */
export function handleReport(message: RunReport, found: TrackerFound, at: Instant): Command[] {
  const { report, session } = message;
  const cause = whyNot(message, found);
  if (cause) return refuse(message, found, cause, at);

  const run = found.run as RunRow;
  const acks = speaksOfAcks(found);
  const heard = { run, session, bytes: message.bytes, acks, problem: found.resultProblem, at };
  switch (report.type) {
    case "status":
      return handleStatus(report, heard);
    case "output":
      return handleOutput(report, heard);
    case "event":
    case "chat":
      return tooMuch(heard) ?? write(heard, entryOf(report, at), 0);
    case "decline":
      return [advance(run, { type: "declined", at, message: report.reason })];
    case "yield": {
      const { cursor, output } = report;
      return [advance(run, { type: "yielded", at, cursor, output }), ...statusAck(heard)];
    }
    case "refused":
      return breakOff(report, heard);
  }
}

/** True if the worker waits for acks. */
function speaksOfAcks({ session }: TrackerFound): boolean {
  return session !== undefined && session.protocol >= 1;
}

/** The worker may forget the Run. */
function statusAck({ run: { id: runId }, session, acks }: Heard): Command[] {
  return acks ? [{ type: "send", params: { session, frame: { type: "ack.status", runId } } }] : [];
}

/** What cannot be accepted costs the Run it is about. If it was to be the last word, the worker lets go of it now. */
function breakOff({ message, last }: RefusedReport, heard: Heard): Command[] {
  const { run, at } = heard;
  const broken = advance(run, { type: "broken", at, reason: "REPORT_INVALID", message });
  const released = last ? [...statusAck(heard), advance(run, { type: "released", at })] : [];
  return [broken, ...released, { type: "countRefused", params: { cause: "invalid" } }];
}

/** A report that counts: the Run it is about, and who speaks. */
interface Heard {
  readonly run: RunRow;
  readonly session: SessionId;
  /** What the report weighs. */
  readonly bytes: number;
  /** True if the worker expects acks. */
  readonly acks: boolean;
  /** Why the result cannot be accepted. */
  readonly problem: SchemaProblem | undefined;
  readonly at: Instant;
}

/** A report counts only if Run, fence, principal and session are the Run's own, and the Run is alive. */
export function whyNot(
  { report, session }: RunReport,
  found: Pick<TrackerFound, "run" | "session">,
): RefusalCause | undefined {
  const { run, session: speaker } = found;
  if (!run) return "unknown";
  if (!speaker || run.principal !== speaker.principal) return "foreign";
  if ("fence" in report && report.fence !== undefined && report.fence !== run.fence) return "stale";
  if (isOver(run.status)) return "ended";
  if (run.session !== session || run.heldBy !== session) return "foreign";
  return undefined;
}

/** What changed nothing is answered all the same, so that the worker stops and forgets. */
function refuse(
  { report, session }: RunReport,
  found: TrackerFound,
  cause: RefusalCause,
  at: Instant,
): Command[] {
  const { run } = found;
  const runId = report.runId;
  const lastWord =
    report.type === "decline" ||
    report.type === "yield" ||
    (report.type === "refused" && report.last) ||
    (report.type === "status" && isOver(report.status));
  const commands: Command[] = [];

  const repeated = cause === "ended" && isRepeat(report, run);
  if (!repeated) {
    commands.push({
      type: "send",
      params: { session, frame: { type: "cancel", runId, reason: reasons[cause] } },
    });
  }
  commands.push({ type: "countRefused", params: { cause: repeated ? "repeated" : cause } });
  if (!lastWord) return commands;

  if (speaksOfAcks(found))
    commands.push({ type: "send", params: { session, frame: { type: "ack.status", runId } } });
  if (cause === "ended" && run?.heldBy === session) commands.push(advance(run, { type: "released", at }));
  return commands;
}

/** The last word once more, because its ack was lost. */
function isRepeat(report: RunReport["report"], run: RunRow | undefined): boolean {
  if (report.type === "yield") return run?.reason === "YIELDED";
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
  const { run, session, problem, at } = heard;
  const { backend, errorMessage, output } = report;
  const ack = statusAck(heard);

  switch (report.status) {
    case "RUNNING":
      return run.status === "RUNNING" ? [] : [advance(run, { type: "started", at })];
    case "COMPLETED":
      if ((report.outputCount ?? 0) > run.nextSeq) return [outputAck(run, session)];
      if (problem !== undefined) {
        const reason = schemaReason(problem);
        const message = misfitOf("the result", "result_schema", problem);
        const failed = {
          type: "failed",
          at,
          backend,
          errorMessage: message,
          ...(reason && { reason }),
        } as const;
        // Another result may fit; that a check takes too long, no other attempt would change.
        const retryable = reason === undefined;
        return [advance(run, { ...failed, retryable, retryAfter: report.retryAfter }), ...ack];
      }
      return [
        advance(run, { type: "completed", at, backend, output, outputBytes: utf8Bytes(output) }),
        ...ack,
      ];
    case "FAILED": {
      const retryable = report.retryable ?? true;
      const failed = {
        type: "failed",
        at,
        backend,
        errorMessage,
        retryable,
        retryAfter: report.retryAfter,
        ...(report.reason && { reason: report.reason }),
      } as const;
      return [advance(run, failed), ...ack];
    }
    case "CANCELLED":
      return [advance(run, { type: "cancelled", at, errorMessage }), ...ack];
    case "PENDING":
    case "ASSIGNED":
      return [{ type: "countRefused", params: { cause: "stale" } }];
  }
}

function handleOutput(report: OutputReport, heard: Heard): Command[] {
  const { run, session, acks, at } = heard;
  if (report.seq !== run.nextSeq) {
    const cause = report.seq < run.nextSeq ? "repeated" : "gap";
    return [{ type: "countRefused", params: { cause } }, ...(acks ? [outputAck(run, session)] : [])];
  }
  const broken = tooMuch(heard);
  if (broken) return broken;

  const { runId, seq, content, isFinal, metadata, sentAt } = report;
  const { fence } = run;
  const entry = { type: "output", at, runId, fence, seq, content, isFinal, metadata, sentAt } as const;
  const commands = write(heard, entry, 1);
  return acks ? [...commands, outputAck({ ...run, nextSeq: seq + 1 }, session)] : commands;
}

/** Breaks the Run off if it says more than one Run may. */
function tooMuch({ run, bytes, at }: Heard): Command[] | undefined {
  if (run.outputBytes + bytes <= limits.runOutputBytes) return undefined;
  const message = outputLimit;
  return [advance(run, { type: "broken", at, reason: "OUTPUT_LIMIT", message })];
}

/** Adds to the Task's log what a Run says. */
function write({ run, bytes, at }: Heard, entry: LogEntry, count: number): Command[] {
  return [
    { type: "record", params: { taskId: run.taskId, entry } },
    advance(run, { type: "wrote", at, count, bytes }),
  ];
}

function entryOf(report: EventReport | ChatReport, at: Instant) {
  const { runId, sentAt } = report;
  if (report.type === "chat") {
    return { type: "chat", at, runId, role: report.role, content: report.content, sentAt } as const;
  }
  const { id, kind, metadata } = report;
  return { type: "event", at, runId, id, kind, sentAt, metadata } as const;
}

/** Tells the worker which output is durable: it may forget that, and sends the rest again if asked. */
export function outputAck({ id: runId, nextSeq }: RunRow, session: SessionId): Command {
  return { type: "send", params: { session, frame: { type: "ack.output", runId, nextSeq } } };
}

export function advance(run: RunRow, message: RunMessage): Command {
  return { type: "advanceRun", params: { runId: run.id, message } };
}

/** What a held Run of a worker that no longer has it comes to: lost if alive, let go if over. */
export function abandonRun(run: RunRow, at: Instant, message: string): Command {
  return advance(run, isOver(run.status) ? { type: "released", at } : { type: "lost", at, message });
}
