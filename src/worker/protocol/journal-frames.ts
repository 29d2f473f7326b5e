import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { JournalRecord, JournalWait } from "#domain/task/journal";
import type { UsedModel } from "#domain/task/usage";
import { recordFromWire } from "#wire/convert-journal";
import {
  JournalKind,
  type JournalRecord as JournalRecordFrame,
  JournalState,
  type JournalWaitSchema,
  type RunClientMessage,
  RunClientMessageSchema,
  StepEffect,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { EarlierRecord } from "../journal/journal.js";
import type { RunKey } from "./run-key.js";

/* The messages about durable steps and usage. */

/** What a server says that it understands, if it keeps journals and usage. */
export const DURABLE_PROTOCOL = 3;

export function journal({ runId, fence }: RunKey, record: JournalRecord): RunClientMessage {
  const { seq, entry, state, kind, effect, name, occurrence, inputDigest, concurrent, wait } = record;
  const value = {
    ...{ runId, fence, seq: BigInt(seq), entry, name, occurrence, inputDigest, concurrent },
    state: JournalState[state],
    kind: JournalKind[kind],
    effect: StepEffect[effect],
    resultJson: record.result,
    errorMessage: record.errorMessage,
    ...(wait && { wait: waitFrame(wait) }),
  };
  return create(RunClientMessageSchema, { payload: { case: "journal", value } });
}

function waitFrame({ duration, otherwise, child }: JournalWait): MessageInitShape<typeof JournalWaitSchema> {
  return {
    durationMs: BigInt(duration),
    ...(otherwise !== undefined && { defaultJson: otherwise }),
    ...(child && {
      child: {
        agentName: child.agentName,
        ...(child.template && { template: child.template }),
        inputJson: child.input,
        labels: child.labels,
        timeoutMs: BigInt(child.timeoutMs),
        maxAttempts: child.maxAttempts,
        workerSelector: child.workerSelector,
      },
    }),
  };
}

/** @param entries that are waited for @param journalCount of all records of the journal */
export function suspend(
  { runId, fence }: RunKey,
  entries: readonly number[],
  journalCount: number,
): RunClientMessage {
  const value = { runId, fence, entries: [...entries], journalCount: BigInt(journalCount) };
  return create(RunClientMessageSchema, { payload: { case: "suspend", value } });
}

export function usage({ runId, fence }: RunKey, seq: number, used: UsedModel): RunClientMessage {
  const { model, usdMicros } = used;
  const value = {
    ...{ runId, fence, seq: BigInt(seq), model },
    inputTokens: BigInt(used.inputTokens),
    outputTokens: BigInt(used.outputTokens),
    cachedTokens: BigInt(used.cachedTokens),
    toolCalls: BigInt(used.toolCalls),
    ...(usdMicros !== undefined && { usdMicros: BigInt(usdMicros) }),
  };
  return create(RunClientMessageSchema, { payload: { case: "usage", value } });
}

/** Records as the server answers them. @throws {Error} if one is of a kind or state that this Worker does not know */
export function earlierRecords(records: readonly JournalRecordFrame[]): EarlierRecord[] {
  return records.map((frame) => {
    const record = recordFromWire(frame);
    if (!record)
      throw new Error(`record ${frame.seq} of the journal is of a kind that this worker does not know`);
    const { childTaskId } = frame;
    return { ...record, ...(childTaskId !== "" && { childId: childTaskId }) };
  });
}
