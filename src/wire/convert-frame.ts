import { unreachable } from "#domain/invariant";
import type { Assignment, WorkerFrame } from "#domain/worker/frame";
import { PLANE_PROTOCOL } from "#domain/worker/worker";
import type { RunAssignment, RunServerMessage, ServerAck } from "./gen/taskrun/v1/run_service_pb.js";

/** Converts a frame to the message for the worker. */
export function serverMessage(frame: WorkerFrame): RunServerMessage {
  return { $typeName: "taskrun.v1.RunServerMessage", payload: payload(frame) };
}

function payload(frame: WorkerFrame): RunServerMessage["payload"] {
  switch (frame.type) {
    case "welcome": {
      const { heartbeat, lease, serverTime, session, notice = "", incarnation = "" } = frame;
      return {
        case: "welcome",
        value: {
          $typeName: "taskrun.v1.Welcome",
          heartbeatMs: BigInt(heartbeat),
          leaseMs: BigInt(lease),
          serverTimeMs: BigInt(serverTime),
          session,
          notice,
          incarnation,
          protocol: PLANE_PROTOCOL,
        },
      };
    }
    case "assign":
      return { case: "assignRun", value: assignment(frame) };
    case "cancel": {
      const { runId, reason } = frame;
      return { case: "cancelRun", value: { $typeName: "taskrun.v1.CancelRun", runId, reason } };
    }
    case "ack.output":
      return { case: "ack", value: ack("output", frame.runId, { nextSeq: BigInt(frame.nextSeq) }) };
    case "ack.status":
      return { case: "ack", value: ack("status", frame.runId, {}) };
    case "ack.heartbeat":
      return { case: "ack", value: ack("heartbeat", "", { beat: BigInt(frame.beat) }) };
    case "ack.journal": {
      const { runId, nextSeq, childId = "" } = frame;
      return {
        case: "ack",
        value: ack("journal", runId, { nextSeq: BigInt(nextSeq), childTaskId: childId }),
      };
    }
    case "ack.usage":
      return { case: "ack", value: ack("usage", frame.runId, { nextSeq: BigInt(frame.nextSeq) }) };
    case "drain":
      return {
        case: "drain",
        value: { $typeName: "taskrun.v1.WorkerDrain", reason: frame.reason, deadlineMs: 0n },
      };
    case "renew":
      return {
        case: "renewIdentity",
        value: { $typeName: "taskrun.v1.RenewIdentity", withinMs: BigInt(frame.within) },
      };
    default:
      return unreachable(frame, "a worker frame of no known type");
  }
}

function ack(
  ackType: string,
  refId: string,
  { nextSeq = 0n, beat = 0n, childTaskId = "" }: Partial<Pick<ServerAck, "nextSeq" | "beat" | "childTaskId">>,
): ServerAck {
  return { $typeName: "taskrun.v1.ServerAck", ackType, refId, nextSeq, beat, turn: 0, childTaskId };
}

function assignment(run: Assignment): RunAssignment {
  return {
    $typeName: "taskrun.v1.RunAssignment",
    runId: run.runId,
    taskId: run.taskId,
    agentName: run.agentName,
    inputJson: run.input,
    labels: run.labels,
    issuedAtMs: BigInt(run.issuedAt),
    deadlineMs: BigInt(run.deadlineAt),
    attempt: run.attempt,
    fence: run.fence,
    leaseMs: BigInt(run.lease),
    // A Run's id is generated for each assignment, so that it serves as the nonce.
    nonce: run.runId,
    stepName: run.stepName,
    dependencyResultsJson: run.results,
    traceparent: run.traceparent,
    dependencyRefs: [...run.refs],
    ordinal: BigInt(run.ordinal),
    failedDependencies: [...run.failed],
    ...(run.inputRef && {
      inputRef: {
        $typeName: "taskrun.v1.InputRef",
        id: run.inputRef.id,
        bytes: BigInt(run.inputRef.bytes),
      },
    }),
    inputPartsJson: run.parts,
    expiresAtMs: BigInt(run.bound?.expiresAt ?? 0),
    incarnation: run.bound?.incarnation ?? "",
    session: run.bound?.session ?? "",
    journalRecords: BigInt(run.journalRecords),
  };
}
