import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import type { MessageView } from "#actors/view";
import { MAIN_STEP, type TaskId } from "#domain/id";
import type { JournalRecord } from "#domain/task/journal";
import type { StaleTerms } from "#domain/task/staleness";
import { NO_USAGE } from "#domain/task/usage";
import { instant, millis } from "#domain/time/time";
import { called, plan, stepsOf } from "./plans.js";
import { begun, caller, heldRun, r1, spec, step, stepSpec, t1, task, w1 } from "./rows.js";
import { type ViewParts, viewOf } from "./views.js";

interface Scene {
  readonly message: TaskFinalizerMessage;
  readonly view: MessageView;
}

const t2 = "t2" as TaskId;
const key = { taskId: t1, stepName: "main" };
const template = { namespace: "default", name: "flow", version: "1.0.0" };
const busy = task({
  state: "steps_in_process",
  counts: { in_progress: 1 },
  spec: spec({ template, isCompensable: true }),
});
const held = task({ state: "blocked_by_failures", counts: { error: 1 } });

/** A message, and what it sees beside the busy Task and its Step. */
function context(message: TaskFinalizerMessage, part: Partial<ViewParts> = {}): Scene {
  return { message, view: viewOf({ task: busy, step: begun(), ...part }) };
}

const flow = plan([
  { name: "main", type: "decision" },
  { name: "left", dependencies: ["main"] },
]);
const decided = stepsOf(flow, { main: { state: "enqueued_for_orchestration" } });
const chooses = { decision_point_outcome: { type: "create_steps", step_names: ["left"] } };

const spread = { over: "input", concurrency: 1, failure: "fail_fast" } as const;
const map = begun({ runId: "", spec: stepSpec({ type: "map", map: spread }) });
const child = { agentName: "report", template: null, input: "" };
const sub = (part: Partial<ReturnType<typeof step>> = {}) =>
  step({ spec: stepSpec({ type: "child_task", child }), ...part });
const gate = stepSpec({ type: "signal", signal: { name: "go", timeoutMs: millis(5), otherwise: 1 } });
const undoable = stepSpec({
  compensation: {
    name: "undo",
    agentName: "undo",
    config: null,
    retry: gate.retry,
    maxAttempts: 1,
    timeoutMs: millis(0),
  },
});
const budget = { tokens: 10, usdMicros: 0, toolCalls: 0, wallMs: 1_000 };
const recordOf = (part: Partial<JournalRecord>): JournalRecord => ({
  seq: 0,
  entry: 1,
  state: "COMPLETED",
  kind: "STEP",
  name: "look",
  occurrence: 1,
  inputDigest: "",
  effect: "IDEMPOTENT",
  concurrent: false,
  result: "1",
  errorMessage: "",
  ...part,
});
const resolve = { type: "resolve", caller, reason: "", ...key } as const;
const passed = (kind: "retry" | "attempt" | "timer" | "signal", stepName = "main") =>
  ({ type: "deadline.passed", taskId: t1, stepName, kind, due: instant(10) }) as const;
const staleAtOnce: StaleTerms = {
  waitingForDependencies: millis(1),
  waitingForRetry: millis(1),
  stepsInProcess: millis(1),
  waitingForWorker: millis(1),
  held: millis(1),
  lifetime: millis(1),
};
const ended = (end: Extract<TaskFinalizerMessage, { type: "run.ended" }>["end"]) =>
  ({ type: "run.ended", ...key, runId: r1, end }) as const;

/** For each message the finalizer can be told, and each way it decides, one that makes it ask for something. */
export const finalizerScenes: readonly Scene[] = [
  context(ended({ how: "completed", output: "{}", outputBytes: 2 })),
  context(ended({ how: "failed", errorMessage: "no", retryable: true, retryAfter: millis(0) })),
  context(ended({ how: "suspended", entries: [1] })),
  context(ended({ how: "yielded", cursor: "7", output: "", startedAt: instant(1) })),
  context(ended({ how: "lost", reason: "WORKER_LOST", workerId: w1, errorMessage: "silent" })),
  context(ended({ how: "handedBack", workerId: w1, message: "I must go" })),
  context(ended({ how: "cancelled", errorMessage: "" })),
  context(
    { type: "run.released", inDoubt: true, stepName: MAIN_STEP, taskId: t1 },
    {
      task: { ...busy, state: "cancelled", compensatedBy: t2 },
      compensation: { task: task({ id: t2 }), steps: [] },
    },
  ),
  context({ type: "run.held", taskIds: [t1], by: 1 }, { task: { ...busy, spec: spec({ budget }) } }),
  context(
    { type: "top.up", caller, taskId: t1, add: budget, reason: "", requestId: "" },
    { task: { ...busy, spec: spec({ budget }) } },
  ),
  context({ type: "usage", taskId: t1, used: { ...NO_USAGE, reports: 1 }, isLate: false, goesOn: true }),
  context(
    { type: "compensate.step", ...key, taskId: t2 },
    {
      step: begun({ state: "cancelled", inDoubt: true }),
      compensation: {
        task: task({ id: t2, state: "enqueuing_steps" }),
        steps: [step({ taskId: t2, spec: stepSpec({ compensates: { ...key, error: "", isUnsure: true } }) })],
      },
    },
  ),
  context(
    { type: "compensation.ended", taskId: t2 },
    {
      step: step({ childId: t2 }),
      child: { task: task({ id: t2, state: "error", spec: spec({ parent: key }) }), steps: [] },
    },
  ),
  context(
    { type: "step.satisfied", ...key },
    { step: begun({ state: "complete", dependants: ["b"] }), steps: [step({ name: "b", unsatisfied: 1 })] },
  ),
  context(
    { type: "expand", ...key, template, output: JSON.stringify(chooses) },
    { step: called("main", decided), steps: decided, plan: flow },
  ),
  context({ type: "abort", ...key, runId: r1, message: "a bug" }, { runs: [heldRun()] }),
  context({ type: "abort", ...key, runId: "", message: "a bug" }, { step: map }),
  context({ type: "abort", ...key, stepName: "", runId: "", message: "a bug" }, { step: undefined }),
  context({ type: "map.open", ...key }, { step: map, input: "[1,2]" }),
  context({ type: "map.collect", ...key }, { step: map }),
  context({ type: "child.start", ...key }, { step: sub() }),
  context(
    { type: "child.ended", ...key, childId: t2 },
    {
      step: sub({ state: "in_progress", childId: t2, attempts: 1 }),
      child: { task: task({ id: t2, state: "error" }), steps: [], outputs: new Map() },
    },
  ),
  context(
    { type: "journal", ...key, runId: r1, record: recordOf({}) },
    { step: begun({ runId: r1 }), runs: [heldRun()] },
  ),
  context({ type: "signal.taken", ...key }, { step: begun({ signalled: true, spec: gate }) }),
  context(
    { type: "signal", caller, taskId: t1, signal: "go", payload: "1", reason: "", requestId: "" },
    { steps: [begun({ spec: gate })] },
  ),
  context({ ...resolve, action: { type: "retry" } }, { task: held, steps: [step({ state: "error" })] }),
  context({ ...resolve, action: { type: "complete", output: "1" } }, { task: held, steps: [step()] }),
  context({ ...resolve, stepName: "", action: { type: "resolve" } }, { task: held }),
  context({ type: "cancel", caller, taskId: t1, message: "" }),
  context(
    { type: "task.ended", taskId: t1, reason: "CANCELLED" },
    {
      task: { ...busy, state: "cancelled" },
      steps: [begun(), step({ name: "a", state: "complete", order: 1, spec: undoable })],
      runs: [heldRun()],
    },
  ),
  context({ type: "dead.letter", taskId: t1, hasFailed: true }, { task: { ...busy, state: "error" } }),
  context({ type: "task.stale", taskId: t1, terms: staleAtOnce, pausedSteps: [] }, { task: held }),
  context({ type: "update.dead.letter", caller, taskId: t1, status: "CANCELLED", notes: undefined }),
  context({ type: "deadline.passed", taskId: t1, stepName: "", kind: "timeout", due: instant(10) }),
  context({ type: "deadline.passed", taskId: t1, stepName: "", kind: "orphan", due: instant(11) }),
  context(passed("retry"), { step: begun({ state: "waiting_for_retry" }) }),
  context(passed("attempt"), {
    runs: [heldRun()],
    step: begun({ spec: stepSpec({ timeoutMs: millis(5) }) }),
  }),
  context(passed("timer")),
  context(passed("signal"), { step: begun({ spec: gate }) }),
];
