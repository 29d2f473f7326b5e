import { type LaneView, NO_OFFER, type Offer } from "#actors/scheduler/messages";
import type { MessageView } from "#actors/view";
import type { Plan } from "#domain/graph/plan";
import type { Plans } from "#domain/graph/plans";
import {
  type NodeId,
  type RunId,
  type SessionId,
  type StepKey,
  stepKey,
  type TaskId,
  type WorkerId,
} from "#domain/id";
import { type ByNamespace, limitOf } from "#domain/namespace-limits";
import type { PauseSet } from "#domain/pause/pause-set";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import { recordKey } from "#domain/task/journal";
import { NO_PRICES, type Prices } from "#domain/task/prices";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import type { SchemaProblem } from "#domain/template/verdict";
import type { Instant } from "#domain/time/time";
import { type Announcement, decidingOf } from "#domain/worker/agent";
import type { SessionRow } from "#domain/worker/worker";
import { type WorkerKey, type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import type { DailyOutput } from "../memory/daily-output.js";
import type { Memory } from "../memory/memory.js";
import { planFor, plannedStep } from "../memory/plans.js";
import type { Workspace } from "../memory/workspace.js";
import type { Leases } from "../timers/leases.js";
import type { Verdicts } from "./verdicts.js";

/** The parts of a turn from which its view is made. */
export interface TurnParts {
  readonly work: Workspace;
  readonly memory: Memory;
  readonly leases: Leases;
  readonly plans: Plans;
  readonly verdicts: Verdicts;
  /** Workers, slots and Run ids that the scheduler may use in this turn; absent for other messages. */
  readonly offer?: Offer;
  readonly newTaskId: () => TaskId;
  /** How many Tasks may wait in each namespace. Default: no such limits. */
  readonly waitingTasks?: ByNamespace;
  /** Absent if nobody limits it. */
  readonly output?: DailyOutput | undefined;
  /** What models cost. Default: nobody knows. */
  readonly prices?: Prices;
  /** This node, if there may be others. */
  readonly node?: NodeId | undefined;
}

const NO_LIMITS: ByNamespace = new Map();

/** The read-only view of a turn's rows and of the plane's memory that handlers decide over. */
export class TurnView implements MessageView {
  readonly offer: Offer;
  readonly newTaskId: () => TaskId;
  readonly prices: Prices;
  readonly #work: Workspace;
  readonly #memory: Memory;
  readonly #leases: Leases;
  readonly #plans: Plans;
  readonly #verdicts: Verdicts;
  readonly #waitingTasks: ByNamespace;
  readonly #output: DailyOutput | undefined;
  readonly #node: NodeId | undefined;

  constructor(parts: TurnParts) {
    const { work, memory, leases, plans, verdicts, offer = NO_OFFER, newTaskId, node } = parts;
    this.#work = work;
    this.#memory = memory;
    this.#leases = leases;
    this.#plans = plans;
    this.#verdicts = verdicts;
    this.offer = offer;
    this.newTaskId = newTaskId;
    this.prices = parts.prices ?? NO_PRICES;
    this.#waitingTasks = parts.waitingTasks ?? NO_LIMITS;
    this.#output = parts.output;
    this.#node = node;
  }

  task(id: TaskId): TaskRow | undefined {
    return this.#work.task(id);
  }

  step(key: StepKey): StepRow | undefined {
    return this.#work.step(key);
  }

  run(id: RunId): RunRow | undefined {
    return this.#work.run(id);
  }

  deadLetter(taskId: TaskId): DeadLetterRow | undefined {
    return this.#work.single("deadLetters", taskId);
  }

  stepsOf(taskId: TaskId): readonly StepRow[] {
    return this.#work.stepsOf(taskId);
  }

  runsOf(taskId: TaskId): readonly RunRow[] {
    return this.#work.runsOf(taskId);
  }

  keyOwner(namespace: string, key: string): TaskRow | undefined {
    return this.#work.keyOwner(namespace, key);
  }

  input(taskId: TaskId): string | undefined {
    return this.#work.inputs.get(taskId);
  }

  stepInput(key: StepKey): string | undefined {
    return this.#work.stepInputs.get(stepKey(key));
  }

  output(key: StepKey): string | undefined {
    return this.#work.outputs.get(stepKey(key));
  }

  stepActions(key: StepKey): string | undefined {
    return this.#work.rows.texts.stepActions.get(stepKey(key));
  }

  record(step: StepKey, seq: number): string | undefined {
    return this.#work.rows.texts.journal.get(stepKey(recordKey(step, seq)));
  }

  template(ref: TemplateRef): TemplateRow | undefined {
    return this.#work.templates.find(ref);
  }

  plan(ref: TemplateRef | null, environment: string): Plan | undefined {
    return planFor(ref, environment, this.#work, this.#plans);
  }

  resultProblem(step: StepRow, json: string): SchemaProblem | undefined {
    if (!step.spec.hasSchema) return undefined;
    const task = this.#work.task(step.taskId);
    const plan = task && this.plan(task.spec.template, task.spec.environment);
    const schema = plan && plannedStep(plan, step.spec.planned)?.resultSchema;
    return schema ? this.#verdicts.problem(schema, json || "null") : undefined;
  }

  inputProblem({ inputSchema }: Plan, json: string): SchemaProblem | undefined {
    return inputSchema ? this.#verdicts.problem(inputSchema, json) : undefined;
  }

  get waiting(): number {
    return this.#memory.waiting;
  }

  waitingIn(namespace: string): number {
    return this.#memory.waitingIn(namespace);
  }

  waitingLimit(namespace: string): number | undefined {
    return limitOf(this.#waitingTasks, namespace);
  }

  outputLimitReached(namespace: string, at: Instant): number | undefined {
    return this.#output?.reached(namespace, at);
  }

  lanesIn(namespace: string): number {
    return this.#memory.backlog.lanesIn(namespace);
  }

  hasLane(key: string): boolean {
    return this.#memory.backlog.has(key);
  }

  templatesIn(namespace: string): number {
    return this.#memory.templatesIn(namespace);
  }

  announcementOf(namespace: string, agentName: string): Announcement | undefined {
    const known = this.#memory.agents.find(namespace, agentName);
    return known && decidingOf(known);
  }

  session(id: SessionId): SessionRow | undefined {
    return this.#memory.roster.get(id);
  }

  sessionOf(principal: string, workerId: WorkerId): SessionRow | undefined {
    return this.#memory.roster.of(principal, workerId);
  }

  ownerOf(workerId: WorkerId): SessionRow | undefined {
    return this.#memory.roster.owner(workerId);
  }

  workerKeys(principal: string, workerId: WorkerId): readonly WorkerKey[] {
    return this.#node === undefined ? [] : [workerRowKey(principal, workerId)];
  }

  workerRow(principal: string, workerId: WorkerId): WorkerRow | undefined {
    if (this.#node === undefined) return undefined;
    return this.#work.single("workers", workerRowKey(principal, workerId));
  }

  heldBy(session: SessionId): Iterable<RunId> {
    const { roster } = this.#memory;
    if (this.#node === undefined || roster.get(session)) return roster.held(session).keys();
    return this.#work.heldBy(session).map(({ id }) => id);
  }

  leaseUntil(session: SessionId): Instant {
    return this.#leases.until(session);
  }

  get pauses(): PauseSet {
    return this.#memory.pauses.present;
  }

  get lanes(): readonly LaneView[] {
    return this.#memory.backlog.views();
  }
}
