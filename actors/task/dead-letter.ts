import type { RunId, TaskId } from "#domain/id";
import type {
  DeadLetterCause,
  DeadLetterContent,
  DeadLetterReason,
  DeadLetterSnapshot,
} from "#domain/task/dead-letter";
import { maxLossesOf } from "#domain/task/losses";
import type { RunRow } from "#domain/task/run";
import { failsTask, hasEnded, type StepRow } from "#domain/task/step";
import type { Reason, TaskRow } from "#domain/task/task";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";

type Rows = Pick<MessageView, "task" | "stepsOf" | "run">;

/** A Task that failed, with the Step that failed first; undefined if it failed as a whole. */
interface Failed {
  readonly task: TaskRow;
  readonly step: StepRow | undefined;
}

/** The Task, and the Tasks below it in which its failure began, as far as they are here: the first cause is the last one. */
export function failureChain(taskId: TaskId, view: Rows): readonly Failed[] {
  const chain: Failed[] = [];
  for (let id: TaskId | "" = taskId; id !== "" && chain.length <= limits.taskDepth; ) {
    const task = view.task(id);
    if (!task) break;
    const step = firstFailure(view.stepsOf(id));
    chain.push({ task, step });
    id = step?.childId ?? "";
  }
  return chain;
}

/** The ids of the Tasks in which the failure may have begun: of the last one nothing may be here yet. */
export function failedTasks(taskId: TaskId, view: Rows): readonly TaskId[] {
  const chain = failureChain(taskId, view);
  const below = chain.at(-1)?.step?.childId ?? "";
  const ids = chain.map(({ task }) => task.id);
  if (ids.length === 0) return [taskId];
  return below === "" ? ids : [...ids, below];
}

/** The last Runs of the Steps that failed. */
export function failedRuns(taskId: TaskId, view: Rows): readonly RunId[] {
  const chain = failureChain(taskId, view);
  return [chain[0], chain.at(-1)].flatMap((failed) =>
    failed?.step?.runId ? [failed.step.runId as RunId] : [],
  );
}

/** What is remembered of a Task that has failed for good. */
export function failedContent(task: TaskRow, view: Rows): DeadLetterContent {
  const chain = failureChain(task.id, view);
  const step = chain[0]?.step ?? (task.reason === "TIMEOUT" ? atWork(view.stepsOf(task.id)) : undefined);
  const first = chain.at(-1);
  return {
    taskId: task.id,
    namespace: task.namespace,
    reason: first ? reasonOf(first, view) : "INTERNAL",
    snapshot: { ...snapshotOf(task, step, view), cause: first ? causeOf(first) : null },
  };
}

/** The Task as it is now. @param step the Step that it is about */
export function snapshotOf(task: TaskRow, step: StepRow | undefined, view: Rows): DeadLetterSnapshot {
  const run = step && runOf(step, view);
  return {
    state: task.state,
    agentName: task.spec.template ? (step?.agentName ?? "") : task.spec.agentName,
    template: task.spec.template,
    stepName: step?.name ?? "",
    attempts: step?.attempts ?? 0,
    maxAttempts: step?.maxAttempts ?? 0,
    losses: step?.losses ?? 0,
    maxLosses: step ? maxLossesOf(step) : 0,
    taskReason: task.reason,
    message: clip(task.errorMessage, limits.deadLetterMessageBytes),
    runId: run?.id ?? "",
    workerId: run?.workerId ?? "",
    cause: null,
  };
}

/** The Step that failed first, so that the Task failed. */
export function firstFailure(steps: readonly StepRow[]): StepRow | undefined {
  let first: StepRow | undefined;
  for (const step of steps) {
    if (failsTask(step) && (!first || step.finishedAt < first.finishedAt)) first = step;
  }
  return first;
}

/** Of a Task that took too long, what it was at: the Step that began first and has not ended. */
function atWork(steps: readonly StepRow[]): StepRow | undefined {
  const live = steps.filter(({ state }) => !hasEnded(state));
  return live.find(({ state }) => state === "in_progress") ?? live[0];
}

function causeOf({ task, step }: Failed): DeadLetterCause {
  const message = clip(step?.errorMessage || task.errorMessage, limits.deadLetterMessageBytes);
  const agentName = step ? step.agentName : task.spec.agentName;
  return { taskId: task.id, stepName: step?.name ?? "", agentName, message };
}

function runOf(step: StepRow, view: Rows): RunRow | undefined {
  return step.runId === "" ? undefined : view.run(step.runId);
}

const OF_TASK: { readonly [Name in Reason]?: DeadLetterReason } = {
  TIMEOUT: "TIMED_OUT",
  INTERNAL: "INTERNAL",
  WORKER_LOST: "POISONED",
  OUTPUT_LOST: "POISONED",
  DECLINED: "UNDELIVERABLE",
  DECLINE_LIMIT: "UNDELIVERABLE",
  ASSIGNMENT_TOO_LARGE: "UNDELIVERABLE",
  INPUT_UNMAPPED: "UNDELIVERABLE",
  IN_DOUBT: "ATTEMPTS_EXHAUSTED",
  BUDGET_EXCEEDED: "ATTEMPTS_EXHAUSTED",
};

function reasonOf({ task, step }: Failed, view: Rows): DeadLetterReason {
  const known = OF_TASK[task.reason];
  if (known) return known;
  if (step?.spec.type === "signal") return "TIMED_OUT";
  // A child Task that was cancelled, or of which nothing is left, has failed its Step all the same.
  if (step?.childId !== "") return "ATTEMPTS_EXHAUSTED";
  const run = runOf(step, view);
  if (!run || run.status === "COMPLETED") return "RESULT_REFUSED";
  return OF_TASK[run.reason] ?? "ATTEMPTS_EXHAUSTED";
}
