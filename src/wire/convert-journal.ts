import { create } from "@bufbuild/protobuf";
import type { RunId } from "#domain/id";
import {
  entryName,
  type JournalKind,
  type JournalRecord,
  type JournalState,
  type KeptRecord,
  type StepEffect,
} from "#domain/task/journal";
import type { Journaled, ModelUsed } from "#domain/task/log";
import type { UsedModel } from "#domain/task/usage";
import { wholeNumber as whole } from "#domain/text/whole-number";
import { millis, NEVER } from "#domain/time/time";
import { reader } from "./convert-enums.js";
import * as wire from "./gen/taskrun/v1/run_service_pb.js";
import {
  type JournalEvent,
  JournalEventSchema,
  type UsageEvent,
  UsageEventSchema,
} from "./gen/taskrun/v1/task_service_pb.js";

/* Journals and reports of usage, both ways. Limits of sizes are the gateway's. */

const stateToWire = {
  BEGUN: wire.JournalState.BEGUN,
  COMPLETED: wire.JournalState.COMPLETED,
  FAILED: wire.JournalState.FAILED,
  NOT_DONE: wire.JournalState.NOT_DONE,
} as const satisfies Record<JournalState, wire.JournalState>;

const kindToWire = {
  STEP: wire.JournalKind.STEP,
  TOOL: wire.JournalKind.TOOL,
  SLEEP: wire.JournalKind.SLEEP,
  SIGNAL: wire.JournalKind.SIGNAL,
  CHILD: wire.JournalKind.CHILD,
} as const satisfies Record<JournalKind, wire.JournalKind>;

const effectToWire = {
  READ: wire.StepEffect.READ,
  IDEMPOTENT: wire.StepEffect.IDEMPOTENT,
  ONCE: wire.StepEffect.ONCE,
} as const satisfies Record<StepEffect, wire.StepEffect>;

const stateFromWire = reader<JournalState>(stateToWire);
const kindFromWire = reader<JournalKind>(kindToWire);
const effectFromWire = reader<StepEffect>(effectToWire);

/** A record of a worker; undefined if it is of a kind or state that is not known. */
export function recordFromWire(record: wire.JournalRecord): JournalRecord | undefined {
  const state = stateFromWire(record.state);
  const kind = kindFromWire(record.kind);
  if (state === undefined || kind === undefined) return undefined;
  const { name, occurrence, inputDigest, concurrent, entry, resultJson, errorMessage, wait } = record;
  const read: JournalRecord = {
    seq: whole(record.seq, "journal.seq"),
    entry,
    state,
    kind,
    name,
    occurrence,
    inputDigest,
    concurrent,
    effect: effectFromWire(record.effect) ?? "IDEMPOTENT",
    result: state === "COMPLETED" ? resultJson : "",
    errorMessage: state === "FAILED" || state === "NOT_DONE" ? errorMessage : "",
  };
  return state === "BEGUN" && wait ? { ...read, wait: waitFromWire(wait) } : read;
}

function waitFromWire({ durationMs, defaultJson, child }: wire.JournalWait): JournalRecord["wait"] & object {
  return {
    duration: millis(Math.max(0, whole(durationMs, "journal.wait.duration_ms"))),
    ...(defaultJson !== undefined && { otherwise: defaultJson }),
    ...(child && {
      child: {
        agentName: child.agentName,
        template: child.template
          ? {
              namespace: child.template.namespace,
              name: child.template.name,
              version: child.template.version,
            }
          : null,
        input: child.inputJson === "" ? "{}" : child.inputJson,
        labels: child.labels,
        timeoutMs: millis(Math.max(0, whole(child.timeoutMs, "journal.wait.child.timeout_ms"))),
        maxAttempts: child.maxAttempts,
        workerSelector: child.workerSelector,
      },
    }),
  };
}

/** A record as a worker, or a client, reads it. */
export function recordToWire(record: KeptRecord): wire.JournalRecord {
  const { seq, entry, state, result, errorMessage, at, runId, childId, until, actor, wait } = record;
  const { kind, effect, ...named } = entryName(record);
  return create(wire.JournalRecordSchema, {
    ...named,
    runId: runId ?? "",
    seq: BigInt(seq),
    entry,
    state: stateToWire[state],
    kind: kindToWire[kind],
    effect: effectToWire[effect],
    resultJson: result,
    errorMessage,
    childTaskId: childId ?? "",
    untilMs: BigInt(until ?? NEVER),
    timestampMs: BigInt(at),
    actor: actor ?? "",
    ...(wait && {
      wait: {
        durationMs: BigInt(wait.duration),
        ...(wait.otherwise !== undefined && { defaultJson: wait.otherwise }),
      },
    }),
  });
}

export function journalEventToWire({ at, stepName, record, resultBytes }: Journaled): JournalEvent {
  return create(JournalEventSchema, {
    stepName,
    runId: record.runId ?? "",
    record: recordToWire({ ...record, at, result: "" }),
    resultBytes: BigInt(resultBytes),
  });
}

export function usageEventToWire({ stepName, runId, fence, seq, used }: ModelUsed): UsageEvent {
  const { usdMicros, ...counts } = used;
  return create(UsageEventSchema, {
    stepName,
    usage: {
      runId,
      fence,
      seq: BigInt(seq),
      model: counts.model,
      inputTokens: BigInt(counts.inputTokens),
      outputTokens: BigInt(counts.outputTokens),
      cachedTokens: BigInt(counts.cachedTokens),
      toolCalls: BigInt(counts.toolCalls),
      ...(usdMicros !== undefined && { usdMicros: BigInt(usdMicros) }),
    },
  });
}

export function journalFromWire(record: wire.JournalRecord) {
  const { runId, fence } = record;
  const read = recordFromWire(record);
  return read && ({ type: "journal", runId: runId as RunId, fence, record: read } as const);
}

export function suspendFromWire({ runId, fence, entries, journalCount }: wire.RunSuspend) {
  return {
    type: "suspend",
    runId: runId as RunId,
    fence,
    entries,
    journalCount: whole(journalCount, "suspend.journal_count"),
  } as const;
}

export function usageFromWire({ runId, fence, seq, model, usdMicros, ...counts }: wire.RunUsage) {
  const used: UsedModel = {
    model,
    inputTokens: whole(counts.inputTokens, "usage.input_tokens"),
    outputTokens: whole(counts.outputTokens, "usage.output_tokens"),
    cachedTokens: whole(counts.cachedTokens, "usage.cached_tokens"),
    toolCalls: whole(counts.toolCalls, "usage.tool_calls"),
    ...(usdMicros !== undefined && { usdMicros: whole(usdMicros, "usage.usd_micros") }),
  };
  return { type: "usage", runId: runId as RunId, fence, seq: whole(seq, "usage.seq"), used } as const;
}
