import type { Command } from "#actors/commands";
import type { Handler } from "#actors/handler";
import type { RunTrackerMessage } from "#actors/run-tracker/messages";
import type { LaneView, Placement, Slots } from "#actors/scheduler/messages";
import type { MessageView } from "#actors/view";
import type { Plan } from "#domain/graph/plan";
import { MAIN_STEP, type RunId, type SessionId, type StepKey, stepKey, type TaskId } from "#domain/id";
import { NO_PAUSES, type PauseSet } from "#domain/pause/pause-set";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import { NO_PRICES, type Prices } from "#domain/task/prices";
import type { StatusReport } from "#domain/task/report";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { SchemaProblem } from "#domain/template/verdict";
import { type Instant, millis, NEVER } from "#domain/time/time";
import type { Announcement } from "#domain/worker/agent";
import type { SessionRow } from "#domain/worker/worker";
import { type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import { lane, r1, ready, s1, session, t1 } from "./rows.js";

/** The draw of chance in the tests of machines alone. */
export const half = { draw: 0.5 } as const;

/** A Task with its Steps, and their results by name. */
export interface Family {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly outputs?: ReadonlyMap<string, string>;
}

/** What a message finds. What is left out is not there. */
export interface ViewParts {
  readonly pauses: PauseSet;
  readonly task?: TaskRow | undefined;
  readonly step?: StepRow | undefined;
  /** More Steps of the Task; one of the same name takes the place of `step`. */
  readonly steps: readonly StepRow[];
  readonly runs: readonly RunRow[];
  /** The input of every Task, and of every Step its own. */
  readonly input?: string;
  readonly stepInput?: string;
  /** What was done by hand to every Step, and to every Task. */
  readonly stepActions?: string;
  readonly record?: string;
  /** Results of the Task's Steps by name. */
  readonly outputs: ReadonlyMap<string, string>;
  /** The plan of every template. */
  readonly plan?: Plan;
  readonly template?: TemplateRow;
  /** What is wrong with whatever is checked. */
  readonly schemaProblem?: SchemaProblem;
  /** Other Tasks: that a Step is, and that compensates this one. */
  readonly child?: Family;
  readonly compensation?: Family;
  readonly others: readonly Family[];
  /** The Task that holds the idempotency key of every draft. */
  readonly keyOwner?: TaskRow;
  readonly waiting: number;
  readonly waitingIn: Readonly<Record<string, number>>;
  readonly waitingLimit?: number;
  readonly outputLimitReached?: number;
  readonly prices: Prices;
  readonly lanesIn: Readonly<Record<string, number>>;
  readonly knownLanes: readonly string[];
  readonly templatesIn: number;
  /** The session of every worker. */
  readonly session?: SessionRow | undefined;
  /** Of the Task, or of another one; none unless it is given. */
  readonly deadLetter?: DeadLetterRow;
  /** Absent in a store of one process. */
  readonly workerRow?: WorkerRow;
  readonly leaseUntil: Instant;
  /** What agents announce, by name. */
  readonly announced: Readonly<Record<string, Announcement>>;
  readonly lanes: readonly LaneView[];
  readonly workers: readonly Slots[];
  readonly free: number;
  readonly runIds: readonly RunId[];
}

/** A view of these parts, as small as a test can want it. */
export function viewOf(given: Partial<ViewParts> = {}): MessageView {
  const parts: ViewParts = { ...NOTHING, ...given };
  const families = [
    ...(parts.child ? [parts.child] : []),
    ...(parts.compensation ? [parts.compensation] : []),
    ...parts.others,
  ];
  const tasks = new Map(
    [...(parts.task ? [parts.task] : []), ...families.map(({ task }) => task)].map((row) => [row.id, row]),
  );
  const steps = new Map<string, StepRow>();
  const outputs = new Map<string, string>();
  const add = (taskId: TaskId, rows: readonly StepRow[], results?: ReadonlyMap<string, string>) => {
    for (const row of rows) steps.set(stepKey({ taskId, stepName: row.name }), { ...row, taskId });
    for (const [stepName, json] of results ?? []) outputs.set(stepKey({ taskId, stepName }), json);
  };
  add(parts.task?.id ?? t1, [...(parts.step ? [parts.step] : []), ...parts.steps], parts.outputs);
  for (const family of families) add(family.task.id, family.steps, family.outputs);
  const runs = new Map(parts.runs.map((row) => [row.id, row]));

  return {
    task: (id) => tasks.get(id),
    step: (key: StepKey) => steps.get(stepKey(key)),
    run: (id) => runs.get(id),
    deadLetter: (id) => (parts.deadLetter?.taskId === id ? parts.deadLetter : undefined),
    stepsOf: (id) => [...steps.values()].filter(({ taskId }) => taskId === id),
    runsOf: (id) => [...runs.values()].filter(({ taskId }) => taskId === id),
    keyOwner: (namespace, key) =>
      key === "" || parts.keyOwner?.namespace !== namespace ? undefined : parts.keyOwner,
    input: () => parts.input,
    stepInput: () => parts.stepInput,
    output: (key) => outputs.get(stepKey(key)),
    stepActions: () => parts.stepActions,
    record: () => parts.record,
    template: () => parts.template,
    plan: (ref) => (ref ? parts.plan : undefined),
    resultProblem: () => parts.schemaProblem,
    inputProblem: () => parts.schemaProblem,
    waiting: parts.waiting,
    waitingIn: (namespace) => own(parts.waitingIn, namespace),
    waitingLimit: () => parts.waitingLimit,
    prices: parts.prices,
    outputLimitReached: () => parts.outputLimitReached,
    lanesIn: (namespace) => own(parts.lanesIn, namespace),
    hasLane: (key) => parts.knownLanes.includes(key),
    templatesIn: () => parts.templatesIn,
    announcementOf: (_, agentName) => parts.announced[agentName],
    session: () => parts.session,
    sessionOf: () => parts.session,
    ownerOf: () => parts.session,
    workerKeys: (principal, workerId) => [workerRowKey(principal, workerId)],
    workerRow: () => parts.workerRow,
    heldBy: (id) => parts.runs.filter(({ heldBy }) => heldBy === id).map((row) => row.id),
    leaseUntil: () => parts.leaseUntil,
    pauses: parts.pauses,
    lanes: parts.lanes,
    offer: { workers: parts.workers, free: parts.free, runIds: parts.runIds },
    newTaskId: () => "t2" as TaskId,
  };
}

const NOTHING: ViewParts = {
  pauses: NO_PAUSES,
  steps: [],
  runs: [],
  outputs: new Map(),
  others: [],
  waiting: 0,
  waitingIn: {},
  prices: NO_PRICES,
  lanesIn: {},
  knownLanes: [],
  templatesIn: 0,
  session: session(),
  leaseUntil: NEVER,
  announced: {},
  lanes: [],
  workers: [],
  free: limits.unsentBytes,
  runIds: [],
};

/** What a handler asks for at a moment, over a view of these parts. */
export function decide<Message>(
  handler: Handler<Message>,
  message: Message,
  parts: Partial<ViewParts>,
  at: Instant,
  draw: number = half.draw,
): readonly Command[] {
  return handler.decide(message, viewOf(parts), { at, draw });
}

/** Namespaces may be called as what every object has. */
function own(counts: Readonly<Record<string, number>>, namespace: string): number {
  return Object.hasOwn(counts, namespace) ? (counts[namespace] ?? 0) : 0;
}

export function slots(part: Partial<Slots> = {}): Slots {
  return { session: session(), held: 0, lastOrdinal: 0, unsent: 0, ...part };
}

export function runIds(count: number): RunId[] {
  return Array.from({ length: count }, (_, i) => `r${i + 1}` as RunId);
}

/** The lane of agent `triage` in namespace `default`, with these Tasks waiting in it. */
export function waiting(...taskIds: readonly string[]) {
  return { lane, ready: taskIds.map((id, i) => ready(id, { rank: i })) };
}

export function placement(taskId: string, runId: string, to: SessionId = s1): Placement {
  return {
    taskId: taskId as TaskId,
    stepName: MAIN_STEP,
    session: to,
    runId: runId as RunId,
    namespace: "default",
  };
}

type Report = Extract<RunTrackerMessage, { type: "report" }>["report"];

/** The fields of a `report` from session `s1`. */
export function says(report: Report, bytes = 0) {
  return { session: s1, report, bytes } as const;
}

export function status(part: Partial<StatusReport> = {}): StatusReport {
  return {
    type: "status",
    runId: r1,
    fence: 1,
    status: "COMPLETED",
    errorMessage: "",
    backend: null,
    output: "",
    retryAfter: millis(0),
    ...part,
  };
}

export function chunk(seq: number, content: string) {
  return {
    type: "output",
    runId: r1,
    fence: 1,
    seq,
    content,
    isFinal: false,
    metadata: {},
    sentAt: 0,
  } as const;
}
