import type * as wire from "#wire/gen/taskrun/v1/task_service_pb";
import { toRun } from "./convert.js";
import type { StepAuditPage } from "./step-audit-views.js";

/** A page of a Step's history as the client gives it, of what the server has answered. */
export function toStepAudit(answer: wire.GetStepAuditResponse): StepAuditPage {
  const { entries, nextPageToken, droppedActions } = answer;
  return {
    entries: entries.map(({ atMs, kind, actor, reason, run }) => ({
      ...{ atMs: Number(atMs), kind, actor, reason },
      ...(run && { run: toRun(run) }),
    })),
    nextPageToken,
    droppedActions,
  };
}
