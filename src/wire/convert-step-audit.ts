import type { TaskId } from "#domain/id";
import type { RunSummary } from "#domain/task/run";
import type { StepAction, StepActionType } from "#domain/task/step-action";
import type { Instant } from "#domain/time/time";
import { runToWire } from "./convert-task.js";
import type * as wire from "./gen/taskrun/v1/task_service_pb.js";

type Entry =
  | { readonly type: "run"; readonly at: Instant; readonly run: RunSummary }
  | { readonly type: "taken_over"; readonly at: Instant; readonly from: TaskId }
  | {
      readonly type: "action";
      readonly at: Instant;
      readonly action: StepAction;
      readonly ofTask: boolean;
    };

/** What an action by hand is called, of a Step and of its whole Task. */
const kinds = {
  retry: ["RESET", "RESET"],
  resolve: ["RESOLVED", "TASK_RESOLVED"],
  complete: ["COMPLETED", "COMPLETED"],
  signal: ["SIGNALLED", "SIGNALLED"],
  cancel: ["CANCELLED", "TASK_CANCELLED"],
  top_up: ["TOPPED_UP", "TOPPED_UP"],
} as const satisfies Record<StepActionType, readonly [ofStep: string, ofTask: string]>;

export function stepAuditToWire(page: {
  readonly entries: readonly Entry[];
  readonly nextPageToken: string;
  readonly dropped: number;
}): wire.GetStepAuditResponse {
  const { entries, nextPageToken, dropped } = page;
  return {
    $typeName: "taskrun.v1.GetStepAuditResponse",
    entries: entries.map(entryToWire),
    nextPageToken,
    droppedActions: dropped,
  };
}

function entryToWire(entry: Entry): wire.StepAuditEntry {
  const { at } = entry;
  const made = { $typeName: "taskrun.v1.StepAuditEntry", atMs: BigInt(at) } as const;
  if (entry.type === "run") {
    const { workerId: actor, reason } = entry.run;
    return { ...made, kind: "RUN", actor, reason, run: runToWire(entry.run) };
  }
  if (entry.type === "taken_over") return { ...made, kind: "TAKEN_OVER", actor: entry.from, reason: "" };
  const { actor, reason, type } = entry.action;
  return { ...made, kind: kinds[type][entry.ofTask ? 1 : 0], actor, reason };
}
