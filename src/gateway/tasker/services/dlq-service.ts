import { create, type JsonObject } from "@bufbuild/protobuf";
import { getDeadLetterStats } from "#api/dead-letters/dead-letter-stats";
import type { DeadLetterView } from "#api/dead-letters/dead-letter-view";
import { getDeadLetter } from "#api/dead-letters/get-dead-letter";
import { listInvestigationQueue } from "#api/dead-letters/investigation-queue";
import { listDeadLetters } from "#api/dead-letters/list-dead-letters";
import { listStaleness } from "#api/dead-letters/list-staleness";
import { updateDeadLetter } from "#api/dead-letters/update-dead-letter";
import { run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import {
  type DlqEntry,
  DlqEntrySchema,
  DlqService,
  GetDlqEntryByTaskResponseSchema,
  GetDlqInvestigationQueueResponseSchema,
  GetDlqStatsResponseSchema,
  GetStalenessMonitoringResponseSchema,
  type ListDlqEntriesRequest,
  ListDlqEntriesResponseSchema,
  type UpdateDlqInvestigationRequest,
  UpdateDlqInvestigationResponseSchema,
} from "#wire/gen/tasker/v1/dlq_pb";
import { type Call, composed } from "../../rpc.js";
import {
  type DlqEntryShape,
  dlqEntryShape,
  dlqStatsShapes,
  investigationShape,
  namesOf,
  stalenessShape,
  statusOfWord,
} from "../shapes/dead-letter-shape.js";
import { letterNames, namedAsSent } from "../shapes/field-names.js";
import { sliceOf } from "../shapes/pages.js";
import { notesAsked } from "../shapes/resolved-by.js";
import { dlqReasonToWire, resolutionStatusToWire, stalenessToWire } from "./enums.js";
import { refuseContent, sliceIn, uuidIn, wordIn } from "./fields.js";
import { given, timestampOf } from "./structs.js";

const { method } = DlqService;
const { pageBytes, deadLettersShown, deadLettersPage, stalePage } = limits;

/** The DlqService of Tasker: what is in it are the dead letters, and none of its entries is ever a Task's second one. */
export const dlqService = [
  composed(method.listEntries, 2 * pageBytes, async (request, call) => {
    const entries = (await lettersOf(request, call)).map((view) => entryToWire(dlqEntryShape(view)));
    return create(ListDlqEntriesResponseSchema, { entries });
  }),
  composed(method.getEntryByTask, pageBytes, async ({ taskUuid }, call) => {
    const view = await run(getDeadLetter, { taskId: uuidIn("task_uuid", taskUuid) }, call);
    return create(GetDlqEntryByTaskResponseSchema, { entry: entryToWire(dlqEntryShape(view)) });
  }),
  composed(method.updateInvestigation, pageBytes, update),
  composed(method.getStats, 0, async (_, call) => {
    const { stats } = await run(getDeadLetterStats, { namespace: "" }, call);
    return create(GetDlqStatsResponseSchema, { stats: dlqStatsShapes(stats).map(statsToWire) });
  }),
  composed(method.getInvestigationQueue, pageBytes, async (request, call) => {
    const { limit } = sliceIn(request, { otherwise: deadLettersShown, most: deadLettersShown });
    const views = await run(listInvestigationQueue, { namespace: "", limit }, call);
    const now = call.services.plane.now();
    const entries = views.map((view) => queuedToWire(investigationShape(view, now)));
    return create(GetDlqInvestigationQueueResponseSchema, { entries });
  }),
  composed(method.getStalenessMonitoring, pageBytes, async (request, call) => {
    const { limit } = sliceIn(request, { otherwise: stalePage, most: stalePage });
    const { tasks } = await run(
      listStaleness,
      { namespace: "", health: undefined, pageSize: limit, pageToken: "" },
      call,
    );
    const entries = tasks.map((task) => stalenessEntry(stalenessShape(task)));
    return create(GetStalenessMonitoringResponseSchema, { entries });
  }),
];

/** Entries if the request does not say how many. */
const LISTED = 50;

async function lettersOf(request: ListDlqEntriesRequest, call: Call): Promise<readonly DeadLetterView[]> {
  const slice = sliceIn(request, { otherwise: LISTED, most: deadLettersPage });
  const { resolutionStatus: number } = request;
  const word = number ? wordIn("resolution_status", resolutionStatusToWire, number) : undefined;
  const statuses = word && namesOf(word);
  const read = async (pageToken: string, size: number) => {
    const pageSize = Math.min(size, deadLettersPage);
    const asked = { statuses, reason: undefined, namespace: "", pageSize, pageToken };
    const { letters, nextPageToken } = await run(listDeadLetters, asked, call);
    return { rows: letters, nextPageToken };
  };
  const { rows, hasMore } = await sliceOf(read, slice, {
    goOn: "read the pages of taskrun.v1.DeadLetterService/ListDeadLetters",
  });
  // The answer cannot say that there is more, so a part of what was asked for would be taken for all.
  if (hasMore && rows.length < slice.limit) throw incomplete(rows.length);
  return rows;
}

function incomplete(found: number): Fault {
  const message = `only ${found} of these entries were found in the time of one request, and there may be more: use taskrun.v1.DeadLetterService/ListDeadLetters, which goes on by page_token.`;
  return new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}

async function update(request: UpdateDlqInvestigationRequest, call: Call) {
  const { dlqEntryUuid, resolutionStatus: number, resolutionNotes, resolvedBy, metadata } = request;
  const taskId = uuidIn("dlq_entry_uuid", dlqEntryUuid);
  refuseContent("metadata", metadata, "leave it out, or write it into resolution_notes.");
  const word = number ? wordIn("resolution_status", resolutionStatusToWire, number) : undefined;
  const notes = notesAsked(resolvedBy, resolutionNotes);
  const change = { taskId, status: word && statusOfWord[word], notes };
  const { letter } = await namedAsSent(run(updateDeadLetter, change, call), letterNames);
  return create(UpdateDlqInvestigationResponseSchema, {
    success: true,
    message: `The entry of Task ${letter.taskId} is ${letter.status}.`,
    dlqEntryUuid: letter.taskId,
  });
}

function entryToWire(entry: DlqEntryShape): DlqEntry {
  return create(DlqEntrySchema, {
    dlqEntryUuid: entry.dlqEntryUuid,
    taskUuid: entry.taskUuid,
    originalState: entry.originalState,
    dlqReason: dlqReasonToWire[entry.dlqReason],
    dlqTimestamp: timestampOf(entry.dlqTimestamp),
    resolutionStatus: resolutionStatusToWire[entry.resolutionStatus],
    resolutionTimestamp: timestampOf(entry.resolutionTimestamp),
    resolutionNotes: given(entry.resolutionNotes),
    resolvedBy: given(entry.resolvedBy),
    taskSnapshot: snapshotOf(entry),
    createdAt: timestampOf(entry.createdAt),
    updatedAt: timestampOf(entry.updatedAt),
  });
}

/** What is known of the Task as it was then, in the names of Tasker where it has one. */
function snapshotOf({ taskUuid, namespace, snapshot, reason }: DlqEntryShape): JsonObject {
  const { template, agentName, cause, ...known } = snapshot;
  return {
    task_uuid: taskUuid,
    namespace,
    task_name: template?.name ?? agentName,
    version: template?.version ?? "",
    current_state: known.state,
    step_name: known.stepName,
    attempts: known.attempts,
    max_attempts: known.maxAttempts,
    losses: known.losses,
    task_reason: known.taskReason,
    message: known.message,
    run_id: known.runId,
    worker_id: known.workerId,
    dead_letter_reason: reason,
  };
}

function statsToWire(stats: ReturnType<typeof dlqStatsShapes>[number]) {
  const { avgResolutionTimeMinutes: minutes } = stats;
  return {
    dlqReason: dlqReasonToWire[stats.dlqReason],
    totalEntries: BigInt(stats.totalEntries),
    pending: BigInt(stats.pending),
    manuallyResolved: BigInt(stats.manuallyResolved),
    permanentFailures: BigInt(stats.permanentFailures),
    cancelled: BigInt(stats.cancelled),
    oldestEntry: timestampOf(stats.oldestEntry),
    newestEntry: timestampOf(stats.newestEntry),
    avgResolutionTimeMinutes: stats.pending === stats.totalEntries ? undefined : minutes,
  };
}

function queuedToWire(entry: ReturnType<typeof investigationShape>) {
  return {
    dlqEntryUuid: entry.dlqEntryUuid,
    taskUuid: entry.taskUuid,
    originalState: entry.originalState,
    dlqReason: dlqReasonToWire[entry.dlqReason],
    dlqTimestamp: timestampOf(entry.dlqTimestamp),
    minutesInDlq: entry.minutesInDlq,
    namespaceName: entry.namespaceName,
    taskName: entry.taskName,
    // A dead letter is of a Task that has ended or is held: it is still in the state in which it became one.
    currentState: entry.originalState,
    priorityScore: entry.priorityScore,
  };
}

function stalenessEntry({ healthStatus, ...entry }: ReturnType<typeof stalenessShape>) {
  return { ...entry, healthStatus: stalenessToWire[healthStatus] };
}
