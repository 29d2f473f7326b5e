import {
  type DeadLetterStats,
  getDeadLetterStats,
  type ReasonStats,
} from "#api/dead-letters/dead-letter-stats";
import type { DeadLetterView } from "#api/dead-letters/dead-letter-view";
import { getDeadLetter } from "#api/dead-letters/get-dead-letter";
import { listInvestigationQueue } from "#api/dead-letters/investigation-queue";
import { type DeadLetterPageView, listDeadLetters } from "#api/dead-letters/list-dead-letters";
import { listStaleness, type StalenessPage, type TaskStaleness } from "#api/dead-letters/list-staleness";
import { redriveDeadLetter } from "#api/dead-letters/redrive-dead-letter";
import { updateDeadLetter } from "#api/dead-letters/update-dead-letter";
import { UnknownWord } from "#api/validate";
import {
  deadLetterReasonFromWire,
  deadLetterReasonToWire,
  deadLetterStatusFromWire,
  deadLetterToWire,
  staleHealthFromWire,
  staleHealthToWire,
} from "#wire/convert-dead-letter";
import { taskStateToWire } from "#wire/convert-enums";
import { templateRefToWire } from "#wire/convert-template";
import {
  DeadLetterService,
  type GetDeadLetterStatsResponse,
  type ListDeadLettersRequest,
  type ListDeadLettersResponse,
  type ListInvestigationQueueResponse,
  type ListStalenessRequest,
  type ListStalenessResponse,
  type UpdateDeadLetterRequest,
  type DeadLetter as WireLetter,
  type TaskStaleness as WireStaleness,
  type DeadLetterStats as WireStats,
} from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import { asIs, unary } from "../rpc.js";
import { taskAnswer } from "./task-answer.js";

const { method } = DeadLetterService;

/** The DeadLetterService: operators look into Tasks that need a person. */
export const deadLetterService = [
  unary(method.listDeadLetters, listDeadLetters, listInput, pageToWire),
  unary(method.getDeadLetter, getDeadLetter, asIs, viewToWire),
  unary(method.getDeadLetterStats, getDeadLetterStats, asIs, statsToWire),
  unary(method.listInvestigationQueue, listInvestigationQueue, asIs, queueToWire),
  unary(method.listStaleness, listStaleness, stalenessInput, stalenessToWire),
  unary(method.updateDeadLetter, updateDeadLetter, updateInput, viewToWire),
  unary(method.redriveDeadLetter, redriveDeadLetter, asIs, taskAnswer),
];

function listInput({ status, reason, ...request }: ListDeadLettersRequest) {
  return { ...request, status: known(status, statusWord), reason: known(reason, reasonWord) };
}

function stalenessInput({ health, ...request }: ListStalenessRequest) {
  return { ...request, health: known(health, healthWord) };
}

function updateInput({ status, ...request }: UpdateDeadLetterRequest) {
  const word = known(status, statusWord);
  const ofServer = "is MOVED_ON, which only the server sets: send another one, or UNSPECIFIED.";
  return { ...request, status: word === "MOVED_ON" ? new UnknownWord(ofServer) : word };
}

/** Undefined for UNSPECIFIED. */
function known<Word>(number: number, read: (number: number) => Word): Word | undefined {
  return number === 0 ? undefined : read(number);
}

function statusWord(number: number) {
  const unknown = `is ${number}, which is no DeadLetterStatus: send another one, or UNSPECIFIED.`;
  return deadLetterStatusFromWire(number) ?? new UnknownWord(unknown);
}

function healthWord(number: number) {
  const unknown = `is ${number}, which is no StalenessHealth: send another one, or UNSPECIFIED.`;
  return staleHealthFromWire(number) ?? new UnknownWord(unknown);
}

function reasonWord(number: number) {
  const unknown = `is ${number}, which is no DeadLetterReason: send another one, or UNSPECIFIED.`;
  return deadLetterReasonFromWire(number) ?? new UnknownWord(unknown);
}

function viewToWire({ letter, ...parts }: DeadLetterView): WireLetter {
  return deadLetterToWire(letter, parts);
}

function pageToWire({ letters, nextPageToken }: DeadLetterPageView): ListDeadLettersResponse {
  const deadLetters = letters.map(viewToWire);
  return { $typeName: "taskrun.v1.ListDeadLettersResponse", deadLetters, nextPageToken };
}

function queueToWire(letters: readonly DeadLetterView[]): ListInvestigationQueueResponse {
  return {
    $typeName: "taskrun.v1.ListInvestigationQueueResponse",
    deadLetters: letters.map(viewToWire),
  };
}

function stalenessToWire({ tasks, nextPageToken }: StalenessPage): ListStalenessResponse {
  return {
    $typeName: "taskrun.v1.ListStalenessResponse",
    tasks: tasks.map(restingToWire),
    nextPageToken,
  };
}

function restingToWire({ task, staleness, agentName }: TaskStaleness): WireStaleness {
  const { template, priority } = task.spec;
  const { state, health, stepName, rested, threshold, age, lifetime } = staleness;
  return {
    $typeName: "taskrun.v1.TaskStaleness",
    taskId: task.id,
    namespace: task.namespace,
    ...{ stepName, agentName, priority },
    state: taskStateToWire[state],
    health: staleHealthToWire[health],
    timeInStateMs: BigInt(rested),
    thresholdMs: BigInt(threshold),
    ageMs: BigInt(age),
    lifetimeMs: BigInt(lifetime),
    ...(template && { template: templateRefToWire(template) }),
  };
}

function statsToWire({ stats, isComplete }: DeadLetterStats): GetDeadLetterStatsResponse {
  return {
    $typeName: "taskrun.v1.GetDeadLetterStatsResponse",
    stats: stats.map(reasonToWire),
    isComplete,
  };
}

function reasonToWire({ reason, total, byStatus, ...times }: ReasonStats): WireStats {
  return {
    $typeName: "taskrun.v1.DeadLetterStats",
    reason: deadLetterReasonToWire[reason],
    total,
    pending: byStatus.PENDING ?? 0,
    manuallyResolved: byStatus.MANUALLY_RESOLVED ?? 0,
    permanentlyFailed: byStatus.PERMANENTLY_FAILED ?? 0,
    cancelled: byStatus.CANCELLED ?? 0,
    movedOn: byStatus.MOVED_ON ?? 0,
    oldestAtMs: BigInt(times.oldestAt),
    newestAtMs: BigInt(times.newestAt),
    meanResolutionMs: BigInt(times.meanResolution),
  };
}
