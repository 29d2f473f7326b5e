import type { Plan } from "#domain/graph/plan";
import type { RunId, SessionId, StepKey, TaskId, WorkerId } from "#domain/id";
import type { PauseSet } from "#domain/pause/pause-set";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { Prices } from "#domain/task/prices";
import { isOver, type RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import type { SchemaProblem } from "#domain/template/verdict";
import type { Instant } from "#domain/time/time";
import type { Announcement } from "#domain/worker/agent";
import type { SessionRow } from "#domain/worker/worker";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";
import type { LaneView, Offer } from "./scheduler/messages.js";

/**
 * What a message may look at while it is decided: rows as the turn has them by now, and what the plane keeps in memory.
 * Read-only. A row that is not here either does not exist or was not asked for by the message's `needs`.
 */
export interface MessageView {
  task(id: TaskId): TaskRow | undefined;
  step(key: StepKey): StepRow | undefined;
  run(id: RunId): RunRow | undefined;
  /** A Task's dead letter, if it is here. */
  deadLetter(taskId: TaskId): DeadLetterRow | undefined;
  /** The Task's Steps that are here, in DAG order. */
  stepsOf(taskId: TaskId): readonly StepRow[];
  /** The Task's Runs that are here, oldest first. */
  runsOf(taskId: TaskId): readonly RunRow[];
  /** The Task that has an idempotency key; none has the empty one. */
  keyOwner(namespace: string, key: string): TaskRow | undefined;

  /** A Task's input, a Step's own input, and a Step's result, as JSON text. */
  input(taskId: TaskId): string | undefined;
  stepInput(key: StepKey): string | undefined;
  output(key: StepKey): string | undefined;
  /** What has been done to a Step by hand, as JSON text; of an empty name to the whole Task. */
  stepActions(key: StepKey): string | undefined;

  /** A record of a Step's journal, as JSON text; of an empty name the payload of a signal. */
  record(step: StepKey, seq: number): string | undefined;

  /** A template; of an empty version the newest that is here. */
  template(ref: TemplateRef): TemplateRow | undefined;
  /** What Tasks are made from, remembered or made of a template that is here. */
  plan(ref: TemplateRef | null, environment: string): Plan | undefined;

  /** How a result of the Step fails the `result_schema` of its template; undefined if it fits or there is no schema. */
  resultProblem(step: StepRow, json: string): SchemaProblem | undefined;
  /** How the input of a new Task fails the plan's `input_schema`; undefined if it fits or there is no schema. */
  inputProblem(plan: Plan, json: string): SchemaProblem | undefined;

  /** PENDING Tasks, in all and of one namespace. */
  readonly waiting: number;
  waitingIn(namespace: string): number;
  /** How many Tasks an operator lets wait in a namespace; undefined if nobody has said. */
  waitingLimit(namespace: string): number | undefined;
  /** The bytes that an operator lets Runs of a namespace write in a day, if they have written them; else undefined. */
  outputLimitReached(namespace: string, at: Instant): number | undefined;
  /** What models cost, as an operator says. */
  readonly prices: Prices;
  /** Lanes of a namespace, and whether there is one with this key. */
  lanesIn(namespace: string): number;
  hasLane(key: string): boolean;
  /** Versions of templates in a namespace. */
  templatesIn(namespace: string): number;

  /** What the agent announces in this namespace: the defaults of Steps that name it. */
  announcementOf(namespace: string, agentName: string): Announcement | undefined;

  session(id: SessionId): SessionRow | undefined;
  /** The newest session of a worker. */
  sessionOf(principal: string, workerId: WorkerId): SessionRow | undefined;
  /** The session of this node that has a worker id, whoever's it is; undefined while the id is nobody's. */
  ownerOf(workerId: WorkerId): SessionRow | undefined;
  /** The key by which a worker's row is asked for; none where the store is one process's. */
  workerKeys(principal: string, workerId: WorkerId): readonly WorkerKey[];
  /** The row of a worker, if it is here. */
  workerRow(principal: string, workerId: WorkerId): WorkerRow | undefined;
  /** The Runs that the worker of a session holds: of another node's session, those that are here. */
  heldBy(session: SessionId): Iterable<RunId>;
  /** When the session's lease ends. */
  leaseUntil(session: SessionId): Instant;

  /** What operators have paused. */
  readonly pauses: PauseSet;
  /** The heads of all lanes' backlogs. */
  readonly lanes: readonly LaneView[];
  /** What the scheduler may give out in this turn; nothing to other messages. */
  readonly offer: Offer;

  /** A fresh id. */
  newTaskId(): TaskId;
}

/** The Task, if it is here and has not ended: of several messages in a row, an earlier one may have ended it. */
export function liveTask(view: MessageView, id: TaskId): TaskRow | undefined {
  const task = view.task(id);
  return task && !isTerminal(task.state) ? task : undefined;
}

/** The Task's Steps that have not ended. */
export function liveStepsOf(view: MessageView, taskId: TaskId): StepRow[] {
  return view.stepsOf(taskId).filter(({ state }) => !hasEnded(state));
}

/** The Task's Runs that have not ended. */
export function liveRunsOf(view: MessageView, taskId: TaskId): RunRow[] {
  return view.runsOf(taskId).filter(({ status }) => !isOver(status));
}
