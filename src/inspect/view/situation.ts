import { inspectPage } from "#limits/inspect-page";
import { deadlinesOf, numberOf, textOf } from "./event.js";
import { kindOf, shortId, stateOf } from "./names.js";
import { distanceText, instantText } from "./times.js";
import { type Actor, isOver, type World } from "./world.js";

/** What a Task waits for. The first eight are what people ask about; see `docs/inspecting.md`. */
export type SituationKind =
  | "WAITING_FOR_WORKER"
  | "IN_BACKOFF"
  | "AT_TIMER"
  | "AT_SIGNAL"
  | "AT_CHILD"
  | "HELD_BY_FAILURES"
  | "WORKER_LOST"
  | "COMPENSATING"
  | "WAITING_FOR_START"
  | "WAITING_FOR_DEPENDENCIES"
  | "RUNNING"
  | "ENDED";

/** One thing that a Task waits for, or does: of a graph there can be several at a time. */
export interface Situation {
  readonly kind: SituationKind;
  /** The state of the Task that was asked about. */
  readonly state: string;
  /** The Step that it is about, and its state; empty if it is about the Task itself. */
  readonly step: string;
  readonly stepState: string;
  /** What it waits for or does, to follow the Step's name. */
  readonly text: string;
  /** What happens at the latest, and when; absent if it may take any time. */
  readonly deadline?: Deadline;
}

export interface Deadline {
  readonly at: number;
  /** For example `it is tried again`. */
  readonly means: string;
}

type Found = Omit<Situation, "state">;

/** What a Task waits for, the most telling first; empty if the Task is not known. */
export function situationsOf(taskId: string, world: World): readonly Situation[] {
  const task = world.get(`task:${taskId}`);
  if (!task) return [];
  const state = stateOf(task);
  const found = isOver(task) ? afterItsEnd(task, taskId, world) : whileItGoesOn(task, taskId, "", world);
  return found.map((each) => ({ ...each, state }));
}

/** @param within the Task that compensates the one that was asked about; empty if that is this one */
function whileItGoesOn(task: Actor, taskId: string, within: string, world: World): readonly Found[] {
  const { context } = task.snapshot;
  const found = byItself(task, taskId, world);
  const timeout = deadlineOf(task, "timeout", "the Task times out");
  const late = found.map((each) => (each.deadline || !timeout ? each : { ...each, deadline: timeout }));
  const compensated = textOf(context.compensates);
  if (compensated === "") return late;
  const why = within === "" ? `Task ${shortId(compensated)}` : `it, in Task ${shortId(within)}`;
  return late.map((each) => ({ ...each, kind: "COMPENSATING", text: `${each.text}, to compensate ${why}` }));
}

function byItself(task: Actor, taskId: string, world: World): readonly Found[] {
  const { context } = task.snapshot;
  const state = stateOf(task);
  if (state === "pending") return [beforeItsStart(task, textOf(context.compensates), world)];
  const steps = stepsOf(taskId, world);
  const found = steps.flatMap((step) => ofStep(step, task, world) ?? []);
  if (state === "blocked_by_failures") {
    const held = found.filter(({ kind }) => kind === "HELD_BY_FAILURES");
    if (held.length > 0) return held;
  }
  found.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  const telling = found.filter(({ kind }) => kind !== "WAITING_FOR_DEPENDENCIES");
  if (telling.length > 0 || found.length > 0) return telling.length > 0 ? telling : found;
  const kind = state === "blocked_by_failures" ? "HELD_BY_FAILURES" : "RUNNING";
  return [{ kind, step: "", stepState: "", text: `the Task is in ${state}` }];
}

/** What stops a Task comes before what goes on. */
const order: readonly SituationKind[] = [
  "HELD_BY_FAILURES",
  "WORKER_LOST",
  "IN_BACKOFF",
  "AT_SIGNAL",
  "AT_TIMER",
  "AT_CHILD",
  "WAITING_FOR_WORKER",
  "RUNNING",
  "WAITING_FOR_DEPENDENCIES",
];

function beforeItsStart(task: Actor, compensated: string, world: World): Found {
  const base = { step: "", stepState: "" } as const;
  const original = compensated === "" ? undefined : world.get(`task:${compensated}`);
  if (compensated !== "") {
    const text = "it waits until no worker holds a Run of the other Task";
    const release = original && deadlineOf(original, "release", "these Runs are taken from their workers");
    return { ...base, kind: "COMPENSATING", text, ...(release && { deadline: release }) };
  }
  const start = deadlineOf(task, "start", "it begins");
  return {
    ...base,
    kind: "WAITING_FOR_START",
    text: "it waits for its start",
    ...(start && { deadline: start }),
  };
}

function ofStep(step: Actor, task: Actor, world: World): Found | undefined {
  const stepState = stateOf(step);
  const base = { step: stepName(step), stepState };
  switch (stepState) {
    case "enqueued":
      return { ...base, ...waitingForWorker(step) };
    case "waiting_for_retry":
      return { ...base, ...waitingForRetry(step, world) };
    case "in_progress":
      return { ...base, ...inProgress(step, world) };
    case "error": {
      if (stateOf(task) !== "blocked_by_failures") return undefined;
      const hold = deadlineOf(task, "hold", "the Task fails") ?? holdOf(step);
      const text = "has failed for good, and waits for an operator";
      return { ...base, kind: "HELD_BY_FAILURES", text, ...(hold && { deadline: hold }) };
    }
    case "pending": {
      const unsatisfied = numberOf(step.snapshot.context.unsatisfied);
      const count = unsatisfied === 1 ? "1 Step" : unsatisfied > 0 ? `${unsatisfied} Steps` : "others";
      return { ...base, kind: "WAITING_FOR_DEPENDENCIES", text: `waits for ${count} before it` };
    }
    default:
      return undefined;
  }
}

/** When a Task is given up whose last failure is this Step's, for those who were not there when that was set. */
function holdOf({ snapshot: { context } }: Actor): Deadline | undefined {
  const failedAt = numberOf(context.finishedAt);
  return failedAt > 0 ? { at: failedAt + inspectPage.shownOperatorWait, means: "the Task fails" } : undefined;
}

type OfStep = Omit<Found, "step" | "stepState">;

function waitingForWorker(step: Actor): OfStep {
  const agent = textOf(step.snapshot.context.agentName);
  const text = agent === "" ? "waits for a worker" : `waits for a worker that runs ${agent}`;
  return { kind: "WAITING_FOR_WORKER", text, ...within(step, "retry", "it may be assigned") };
}

function waitingForRetry(step: Actor, world: World): OfStep {
  const { context } = step.snapshot;
  const deadline = within(step, "retry", "it is tried again");
  const run = runsOf(step, world).at(-1);
  const reason = textOf(run?.snapshot.context.reason);
  if (reason === "WORKER_LOST" || reason === "OUTPUT_LOST") {
    const worker = textOf(run?.snapshot.context.workerId);
    const text = `has lost its worker${worker && ` ${worker}`} (${ofMost(context.losses, context.maxLosses, "loss")})`;
    return { kind: "WORKER_LOST", text, ...deadline };
  }
  const tries = ofMost(context.attempts, context.maxAttempts, "attempt");
  return { kind: "IN_BACKOFF", text: `is in backoff (${tries} has failed)`, ...deadline };
}

function ofMost(count: unknown, most: unknown, what: string): string {
  return `${what} ${numberOf(count)}${numberOf(most) > 0 ? ` of ${numberOf(most)}` : ""}`;
}

function inProgress(step: Actor, world: World): OfStep {
  const { context } = step.snapshot;
  const childId = textOf(context.childId);
  if (context.type === "timer") {
    return { kind: "AT_TIMER", text: "waits at its timer", ...within(step, "timer", "it completes") };
  }
  if (context.type === "signal") {
    const signal = textOf(context.signal);
    const text = `waits for signal ${signal === "" ? "of a client" : signal}`;
    return { kind: "AT_SIGNAL", text, ...within(step, "signal", "it waits no longer") };
  }
  if (childId !== "") return atChild(childId, world);
  return onWorker(step, world);
}

function atChild(childId: string, world: World): OfStep {
  const child = world.get(`task:${childId}`);
  const state = child ? `, which is in ${stateOf(child)}` : "";
  const deadline = child && deadlineOf(child, "timeout", "that one times out");
  const text = `waits for its child, Task ${shortId(childId)}${state}`;
  return { kind: "AT_CHILD", text, ...(deadline && { deadline }) };
}

function onWorker(step: Actor, world: World): OfStep {
  const run = runsOf(step, world).findLast((each) => !isOver(each));
  const { workerId, session } = run?.snapshot.context ?? {};
  const name = textOf(workerId);
  const worker = world.get(`worker:${textOf(session)}`);
  if (worker && stateOf(worker) === "detached") {
    const text = `is on worker ${name}, which has lost its connection`;
    const until = numberOf(worker.snapshot.context.leaseUntil);
    const deadline = until > 0 && { deadline: { at: until, means: "the Run is lost" } };
    return { kind: "WORKER_LOST", text, ...deadline };
  }
  if (worker && stateOf(worker) === "gone")
    return { kind: "WORKER_LOST", text: `is on worker ${name}, which is gone` };
  const text = name === "" ? "is in progress" : `runs on worker ${name}`;
  return { kind: "RUNNING", text, ...within(step, "attempt", "its attempt times out") };
}

/** An ended Task may be compensated; that goes on in another Task. */
function afterItsEnd(task: Actor, taskId: string, world: World): readonly Found[] {
  const compensation = compensationOf(task, taskId, world);
  if (compensation && !isOver(compensation)) {
    const id = compensation.id.slice("task:".length);
    return whileItGoesOn(compensation, id, id, world);
  }
  const reason = textOf(task.snapshot.context.reason);
  const how = compensation ? `; compensated by Task ${shortId(compensation.id.slice("task:".length))}` : "";
  const text = `it has ended${reason && `, reason ${reason}`}${how}`;
  return [{ kind: "ENDED", step: "", stepState: "", text }];
}

function compensationOf(task: Actor, taskId: string, world: World): Actor | undefined {
  const known = world.get(`task:${textOf(task.snapshot.context.compensatedBy)}`);
  if (known) return known;
  for (const actor of world.values()) if (actor.snapshot.context.compensates === taskId) return actor;
  return undefined;
}

function within(actor: Actor, kind: string, means: string): { readonly deadline?: Deadline } {
  const deadline = deadlineOf(actor, kind, means);
  return deadline ? { deadline } : {};
}

/** A deadline of an actor by its kind, from its context. */
function deadlineOf({ snapshot }: Actor, kind: string, means: string): Deadline | undefined {
  const at = deadlinesOf(snapshot.context).find((each) => each.kind === kind)?.at;
  return at === undefined ? undefined : { at, means };
}

function stepsOf(taskId: string, world: World): readonly Actor[] {
  const prefix = `step:${taskId}/`;
  return [...world.values()].filter(({ id }) => id.startsWith(prefix));
}

function runsOf({ id }: Actor, world: World): readonly Actor[] {
  return [...world.values()].filter(({ parentId, id: run }) => parentId === id && kindOf(run) === "run");
}

function stepName({ id }: Actor): string {
  return id.slice(id.indexOf("/") + 1);
}

/** A situation as one sentence: the state, the Step, what it waits for, and what happens at the latest. */
export function sentence({ state, step, stepState, text, deadline, kind }: Situation, now: number): string {
  const who = step === "" ? "" : `Step ${step} (${stepState}) `;
  return `${state}: ${who}${text}; ${deadlineText(deadline, kind, now)}.`;
}

export function deadlineText(deadline: Deadline | undefined, kind: SituationKind, now: number): string {
  if (!deadline) return kind === "ENDED" ? "final" : "no deadline";
  return `${deadline.means} at ${instantText(deadline.at, now)}, ${distanceText(deadline.at, now)}`;
}

/** All of a Task on a few lines: the sentence of each situation, the first ones of many. */
export function situationLines(situations: readonly Situation[], now: number): readonly string[] {
  const shown = situations.slice(0, inspectPage.situationSteps).map((each) => sentence(each, now));
  const more = situations.length - shown.length;
  return more > 0 ? [...shown, `And ${more} more ${more === 1 ? "Step" : "Steps"}.`] : shown;
}
