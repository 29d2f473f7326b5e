import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  JournalKind,
  type JournalRecord,
  JournalRecordSchema,
  JournalState,
  StepEffect,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "#worker/agent/context";
import type { FakePlane, PlaneSession } from "./fake-plane.js";
import { echo, startPlane, startWorker } from "./workbench.js";

/** A plane, a worker on it whose one agent does this, and the session between them. */
export async function working(run: (ctx: AgentContext) => Promise<unknown>, terms = {}) {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo((_, ctx) => run(ctx))] });
  return { plane, session: await plane.greet(terms) };
}

/** Makes durable what the worker journals next. */
export async function keep(session: PlaneSession, childTaskId = ""): Promise<JournalRecord> {
  const record = await session.hear("journal");
  session.ack({ ackType: "journal", refId: record.runId, nextSeq: record.seq + 1n, childTaskId });
  return record;
}

export type RecordInit = MessageInitShape<typeof JournalRecordSchema> & { readonly $typeName?: never };

export function record(changes: RecordInit): JournalRecord {
  return create(JournalRecordSchema, {
    entry: 1,
    state: JournalState.COMPLETED,
    kind: JournalKind.STEP,
    name: "a",
    occurrence: 1,
    effect: StepEffect.IDEMPOTENT,
    ...changes,
  });
}

/** Answers with these records, a few at a time. */
export function holding(plane: FakePlane, records: readonly JournalRecord[]) {
  const asked: number[] = [];
  plane.readJournal = async ({ fromSeq }) => {
    asked.push(Number(fromSeq));
    return records.slice(Number(fromSeq), Number(fromSeq) + 2);
  };
  return asked;
}
