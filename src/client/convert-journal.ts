import {
  JournalKind,
  JournalState,
  StepEffect,
  type JournalRecord as WireRecord,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { GetStepJournalResponse, JournalEvent, UsageEvent } from "#wire/gen/taskrun/v1/task_service_pb";
import type { JournalChange, ModelUse } from "./event-views.js";
import type { JournalPage, JournalRecord } from "./journal-views.js";

/** A page of a journal as the client gives it, of what the server has answered. */
export function toJournalPage({ records, nextPageToken, inDoubt }: GetStepJournalResponse): JournalPage {
  return { records: records.map(toRecord), nextPageToken, inDoubt };
}

function toRecord(record: WireRecord): JournalRecord {
  const { entry, name, occurrence, inputDigest, concurrent, resultJson, errorMessage } = record;
  return {
    seq: Number(record.seq),
    entry,
    state: JournalState[record.state] ?? "UNSPECIFIED",
    kind: JournalKind[record.kind] ?? "UNSPECIFIED",
    ...{ name, occurrence, inputDigest },
    effect: StepEffect[record.effect] ?? "UNSPECIFIED",
    ...{ concurrent, resultJson, errorMessage },
    childTaskId: record.childTaskId,
    untilMs: Number(record.untilMs),
    atMs: Number(record.timestampMs),
    runId: record.runId,
    actor: record.actor,
  };
}

/** What an event tells of a journal; undefined if a newer server has left out what this one needs. */
export function toJournalChange({ stepName, record, resultBytes }: JournalEvent): JournalChange | undefined {
  return record && { stepName, record: toRecord(record), resultBytes: Number(resultBytes) };
}

/** What an event tells of the use of a model; undefined likewise. */
export function toModelUse({ stepName, usage }: UsageEvent): ModelUse | undefined {
  if (!usage) return undefined;
  const { runId, model, usdMicros } = usage;
  return {
    ...{ stepName, runId, model },
    inputTokens: Number(usage.inputTokens),
    outputTokens: Number(usage.outputTokens),
    cachedTokens: Number(usage.cachedTokens),
    toolCalls: Number(usage.toolCalls),
    ...(usdMicros !== undefined && { usdMicros: Number(usdMicros) }),
  };
}
