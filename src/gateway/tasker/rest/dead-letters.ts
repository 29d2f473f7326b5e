import { z } from "zod";
import { getDeadLetterStats } from "#api/dead-letters/dead-letter-stats";
import type { DeadLetterView } from "#api/dead-letters/dead-letter-view";
import { getDeadLetter } from "#api/dead-letters/get-dead-letter";
import { listInvestigationQueue } from "#api/dead-letters/investigation-queue";
import { listDeadLetters } from "#api/dead-letters/list-dead-letters";
import { listStaleness } from "#api/dead-letters/list-staleness";
import { updateDeadLetter } from "#api/dead-letters/update-dead-letter";
import { run } from "#api/use-case";
import { iso } from "#domain/time/iso";
import { limits } from "#limits/index";
import { deadLetterToWire } from "#wire/convert-dead-letter";
import { DeadLetterSchema, DeadLetterService } from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import type { RestRequest } from "../../rest/operation.js";
import { Parameters } from "../../rest/parameters.js";
import type { Call } from "../../rpc.js";
import {
  type DlqEntryShape,
  type DlqStatsShape,
  dlqEntryShape,
  dlqStatsShapes,
  type InvestigationShape,
  investigationShape,
  namesOf,
  type ResolutionStatus,
  resolutionStatuses,
  type StalenessShape,
  stalenessShape,
  statusOfWord,
} from "../shapes/dead-letter-shape.js";
import { letterNames, namedAsSent } from "../shapes/field-names.js";
import { sliceOf } from "../shapes/pages.js";
import { notesAsked } from "../shapes/resolved-by.js";
import { anObject, membersOf, objectIn, refuseContent, text, wordIn } from "./body.js";
import * as documents from "./documents/dead-letters.js";
import { ourParts, type Parts, textOrNull, timeOrNull } from "./json.js";
import { offsetNames, sliceIn } from "./parameters.js";
import { type Answered, reserved, type TaskerRoute } from "./route.js";

const { method } = DeadLetterService;

/** The queue of dead letters, which Tasker calls DLQ. */
export const deadLetterRoutes: readonly TaskerRoute[] = [
  {
    method: "GET",
    path: "/v1/dlq",
    as: method.listDeadLetters,
    documentation: documents.list,
    answer: listed,
  },
  {
    method: "GET",
    path: "/v1/dlq/task/{task_uuid}",
    as: method.getDeadLetter,
    documentation: documents.ofTask,
    answer: async ({ params, query }, call) => {
      new Parameters(query, []);
      return { body: entryParts(await run(getDeadLetter, { taskId: params.task_uuid ?? "" }, call)) };
    },
  },
  {
    method: "PATCH",
    path: "/v1/dlq/entry/{dlq_entry_uuid}",
    as: method.updateDeadLetter,
    documentation: documents.update,
    answer: updated,
  },
  {
    method: "GET",
    path: "/v1/dlq/stats",
    as: method.getDeadLetterStats,
    documentation: documents.stats,
    answer: async ({ query }, call) => {
      const namespace = new Parameters(query, ["namespace"]).text("namespace");
      const { stats } = await run(getDeadLetterStats, { namespace }, call);
      return { body: dlqStatsShapes(stats).map(statsParts) };
    },
  },
  {
    method: "GET",
    path: "/v1/dlq/investigation-queue",
    as: method.listInvestigationQueue,
    documentation: documents.queue,
    answer: async ({ query }, call) => {
      const parameters = new Parameters(query, ["limit", "namespace"]);
      const limit = parameters.whole("limit", 1, limits.deadLettersShown, limits.deadLettersShown);
      const views = await run(
        listInvestigationQueue,
        { limit, namespace: parameters.text("namespace") },
        call,
      );
      const now = call.services.plane.now();
      return { body: views.map((view) => queueParts(investigationShape(view, now))) };
    },
  },
  {
    method: "GET",
    path: "/v1/dlq/staleness",
    as: method.listStaleness,
    documentation: documents.staleness,
    answer: async ({ query }, call) => {
      const parameters = new Parameters(query, ["limit", "namespace", "page_token"]);
      const pageSize = parameters.whole("limit", 1, limits.stalePage, limits.stalePage);
      const asked = { namespace: parameters.text("namespace"), pageToken: parameters.text("page_token") };
      const { tasks, nextPageToken } = await run(listStaleness, { ...asked, pageSize }, call);
      const body = tasks.map((task) => stalenessParts(stalenessShape(task)));
      return { body, ...nextLink(query, nextPageToken) };
    },
  },
];

async function listed({ query }: RestRequest, call: Call): Promise<Answered> {
  const parameters = new Parameters(query, ["resolution_status", "namespace", ...offsetNames]);
  const slice = sliceIn(parameters, LISTED, limits.deadLettersPage);
  const word = parameters.text("resolution_status");
  const wanted = word === "" ? undefined : wordIn(resolutionStatuses, "resolution_status", word);
  const statuses = wanted && namesOf(wanted);
  const within = await reserved(call, 2 * limits.pageBytes);
  const read = async (pageToken: string, pageSize: number) => {
    const asked = { statuses, reason: undefined, namespace: parameters.text("namespace"), pageToken };
    const { letters, nextPageToken } = await run(
      listDeadLetters,
      { ...asked, pageSize: Math.min(pageSize, limits.deadLettersPage) },
      within,
    );
    return { rows: letters, nextPageToken };
  };
  const { rows, nextPageToken } = await sliceOf(read, slice, { begin: parameters.text("page_token") });
  return { body: rows.map(entryParts), ...nextLink(query, nextPageToken) };
}

/** Entries on a page if the request does not say. */
const LISTED = 50;

/** The next page of a list that is an array, and so has no member for it: relative, since a host may serve all under a prefix. */
function nextLink(query: RestRequest["query"], token: string): Pick<Answered, "headers"> {
  if (token === "") return {};
  const kept = [...query].filter(([name]) => name !== "offset" && name !== "page_token");
  const next = new URLSearchParams(kept.map(([name, text]): [string, string] => [name, text]));
  next.set("page_token", token);
  return { headers: { link: `<?${next}>; rel="next"` } };
}

const update = z.object({
  resolution_status: text,
  resolution_notes: text,
  resolved_by: text,
  metadata: anObject,
});

async function updated({ params, query, body }: RestRequest, call: Call): Promise<Answered> {
  new Parameters(query, []);
  const given = membersOf(objectIn(body).members, update);
  refuseContent("metadata", given.metadata, "leave it out, or put it into resolution_notes.");
  const { resolution_status: word, resolution_notes, resolved_by } = given;
  const status = word ? wordIn(resolutionStatuses, "resolution_status", word) : undefined;
  const taskId = params.dlq_entry_uuid ?? "";
  const change = { taskId, ...statusAsked(status), notes: notesAsked(resolved_by, resolution_notes) };
  const view = await namedAsSent(run(updateDeadLetter, change, call), letterNames);
  const message = `The investigation of Task ${taskId} is updated.`;
  return { body: { ...entryParts(view), success: true, message } };
}

function statusAsked(status: ResolutionStatus | undefined) {
  return status ? { status: statusOfWord[status] } : {};
}

/** An entry in the shape of Tasker, with ours beside it. */
function entryParts(view: DeadLetterView): Parts {
  const ours = ourParts(DeadLetterSchema, deadLetterToWire(view.letter, view));
  const entry: DlqEntryShape = dlqEntryShape(view);
  return {
    ...ours,
    dlq_entry_uuid: entry.dlqEntryUuid,
    task_uuid: entry.taskUuid,
    original_state: entry.originalState,
    dlq_reason: entry.dlqReason,
    dlq_timestamp: iso(entry.dlqTimestamp),
    resolution_status: entry.resolutionStatus,
    resolution_timestamp: timeOrNull(entry.resolutionTimestamp),
    resolution_notes: textOrNull(entry.resolutionNotes),
    resolved_by: textOrNull(entry.resolvedBy),
    task_snapshot: ours.snapshot ?? null,
    metadata: null,
    created_at: iso(entry.createdAt),
    updated_at: iso(entry.updatedAt),
  };
}

function statsParts(stats: DlqStatsShape): Parts {
  return {
    dlq_reason: stats.dlqReason,
    total_entries: stats.totalEntries,
    pending: stats.pending,
    manually_resolved: stats.manuallyResolved,
    permanent_failures: stats.permanentFailures,
    cancelled: stats.cancelled,
    oldest_entry: timeOrNull(stats.oldestEntry),
    newest_entry: timeOrNull(stats.newestEntry),
    avg_resolution_time_minutes: stats.avgResolutionTimeMinutes === 0 ? null : stats.avgResolutionTimeMinutes,
  };
}

function queueParts(entry: InvestigationShape): Parts {
  return {
    dlq_entry_uuid: entry.dlqEntryUuid,
    task_uuid: entry.taskUuid,
    original_state: entry.originalState,
    dlq_reason: entry.dlqReason,
    dlq_timestamp: iso(entry.dlqTimestamp),
    minutes_in_dlq: entry.minutesInDlq,
    namespace_name: entry.namespaceName,
    task_name: entry.taskName,
    priority_score: entry.priorityScore,
    reason: entry.reason,
  };
}

function stalenessParts(entry: StalenessShape): Parts {
  return {
    task_uuid: entry.taskUuid,
    namespace_name: entry.namespaceName,
    task_name: entry.taskName,
    current_state: entry.currentState,
    time_in_state_minutes: entry.timeInStateMinutes,
    task_age_minutes: entry.taskAgeMinutes,
    staleness_threshold_minutes: entry.stalenessThresholdMinutes,
    health_status: entry.healthStatus,
    priority: entry.priority,
  };
}
