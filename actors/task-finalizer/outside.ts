import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { isOver } from "#domain/run";
import { isSettled, type StepRow, tolerates } from "#domain/step";
import { isTerminal, type TaskRow } from "#domain/task";
import { utf8Bytes } from "#domain/text";
import type { Instant } from "#domain/time";
import { misfitOf, type SchemaProblem, schemaReason } from "#domain/verdict";
import type { Command } from "../commands.js";
import { dispatchStep } from "../task/start.js";
import {
  advance,
  advanceTask,
  complete,
  keepOutput,
  keyOf,
  mayGo,
  nextOrder,
  succeed,
  tellFollowers,
} from "./done.js";
import { refuse } from "./ending.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";
import { stopClock } from "./settle.js";

type Message<Type extends TaskFinalizerMessage["type"]> = Extract<TaskFinalizerMessage, { type: Type }>;

/** A payload for a waiting Step; one that comes before the Step waits is kept for it. */
export function signal(
  { caller, taskId, signal: name, payload }: Message<"signal">,
  { task, steps, outputs, schemaProblem }: FinalizerFound,
  at: Instant,
): Command[] {
  if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
  const waiting = steps.filter(({ spec }) => spec.signal?.name === name);
  const answer: Command = { type: "reply", params: { answer: { type: "tasks", tasks: [taskId] } } };
  const step = takerOf(waiting);
  const repeated = waiting.some(({ name, signalled }) => signalled && outputs.get(name) === payload);
  if (!step && repeated) return [answer];
  if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];

  if (!step) return [refuse(noSuchSignal(task, name, steps))];
  if (schemaProblem) return [refuse(unfit("payload_json", step, schemaProblem))];
  const signalled = { type: "signalled", at, outputBytes: utf8Bytes(payload) } as const;
  if (step.state === "pending") return [...keepOutput(step, payload), advance(step, signalled), answer];
  return [advance(step, signalled), ...take(task, step, payload, at), answer];
}

function unfit(field: string, { name }: StepRow, problem: SchemaProblem): Fault {
  const reason = schemaReason(problem);
  const message = misfitOf(field, `result_schema of step "${name}"`, problem);
  return new Fault("invalid", message, { field, ...(reason && { reason }) });
}

/** The Step that takes the next payload of a name: one that waits, before one that will. */
export function takerOf(steps: readonly StepRow[]): StepRow | undefined {
  const open = steps.filter(({ state, signalled }) => !isSettled(state) && !signalled);
  return open.find(({ state }) => state === "in_progress") ?? open[0];
}

function take(task: TaskRow, step: StepRow, payload: string, at: Instant): Command[] {
  return [
    { type: "clearDeadline", params: { ...keyOf(step), kind: "signal" } },
    ...succeed(step, payload, at),
    ...complete(task, step, at),
  ];
}

/** The Step has begun to wait for what is there already. */
export function takeSignal({ task, step }: FinalizerFound, at: Instant): Command[] {
  if (!task || step?.state !== "in_progress" || !step.signalled) return [];
  const { outputBytes } = step;
  return [advance(step, { type: "succeeded", at, outputBytes }), ...complete(task, step, at)];
}

function noSuchSignal(task: TaskRow, name: string, steps: readonly StepRow[]): Fault {
  const known = steps.flatMap(({ spec, state, signalled }) =>
    spec.signal && !isSettled(state) && !signalled ? `"${spec.signal.name}"` : [],
  );
  const had = steps.some(({ spec }) => spec.signal?.name === name);
  const waits = known.length > 0 ? `it waits for ${known.join(", ")}` : "it waits for none";
  return had
    ? new Fault("wrong_state", `task ${task.id} has had its signal "${name}"; ${waits}`, {
        reason: "SIGNAL_TAKEN",
      })
    : new Fault("not_found", `task ${task.id} has no step that waits for a signal "${name}"; ${waits}`, {
        reason: "SIGNAL_NOT_FOUND",
      });
}

/** An operator settles by hand what failed, or what hangs. */
export function resolve(message: Message<"resolve">, found: FinalizerFound, at: Instant): Command[] {
  const { caller, taskId, stepName } = message;
  const { task } = found;
  if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
  if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
  if (task.state === "pending") {
    const text = `task ${task.id} has not begun: cancel it, or wait until it has`;
    return [refuse(new Fault("wrong_state", text, { reason: "NOT_BEGUN" }))];
  }

  const done = stepName === "" ? resolveTask(task, message, at) : resolveStep(task, message, found, at);
  if (done instanceof Fault) return [refuse(done)];
  return [...done, { type: "reply", params: { answer: { type: "tasks", tasks: [taskId] } } }];
}

function resolveTask(task: TaskRow, { action }: Message<"resolve">, at: Instant): Command[] | Fault {
  if (action.type !== "resolve") {
    return new Fault("invalid", "step_name is required: name the step that failed", { field: "step_name" });
  }
  if (task.state !== "blocked_by_failures") {
    const text = `task ${task.id} is ${task.state}: only one that is held because of a failure can be declared done`;
    return new Fault("wrong_state", text, { reason: "NOT_HELD" });
  }
  return [advanceTask(task, { type: "manualResolution", at })];
}

function resolveStep(
  task: TaskRow,
  { stepName, action }: Message<"resolve">,
  { steps, runs, schemaProblem }: FinalizerFound,
  at: Instant,
): Command[] | Fault {
  const step = steps.find(({ name }) => name === stepName);
  if (!step) {
    return new Fault("not_found", `task ${task.id} has no step "${stepName}"`, { reason: "STEP_NOT_FOUND" });
  }
  const wrong = mayNot(task, step, action.type);
  if (wrong !== undefined) {
    return new Fault("wrong_state", `step "${stepName}" ${wrong}`, { reason: "STEP_STATE" });
  }
  if (action.type === "complete" && schemaProblem) return unfit("result_json", step, schemaProblem);
  if (action.type === "retry") {
    const fresh = { ...step, attempts: 0 };
    return [advance(step, { type: "resetForRetry", at }), ...dispatchStep(task, fresh, at)];
  }
  const order = nextOrder(task);
  const end = { type: "end", at, reason: "CANCELLED", message: "the step was settled by hand" } as const;
  const passedOver = step.state === "error" && tolerates(step.spec);
  return [
    ...(action.type === "complete"
      ? [
          ...keepOutput(step, action.output),
          advance(step, { type: "completeManually", at, order, outputBytes: utf8Bytes(action.output) }),
        ]
      : [advance(step, { type: "resolveManually", at, order })]),
    ...stopClock(step),
    ...(["retry", "timer", "signal"] as const).map(
      (kind): Command => ({ type: "clearDeadline", params: { ...keyOf(step), kind } }),
    ),
    ...runs
      .filter((run) => run.stepName === stepName && !isOver(run.status))
      .map(({ id: runId }): Command => ({ type: "advanceRun", params: { runId, message: end } })),
    ...(passedOver ? [] : tellFollowers(step)),
  ];
}

/** Types whose result is not only kept. */
const MAKERS: ReadonlySet<string> = new Set(["decision", "batchable", "map"]);

/** Why this cannot be done with the Step, or undefined if it can. */
function mayNot(
  task: TaskRow,
  step: StepRow,
  action: Message<"resolve">["action"]["type"],
): string | undefined {
  const { state, spec, members } = step;
  if (state === "complete" || state === "cancelled" || state === "resolved_manually") {
    return `is ${state}, and that is final`;
  }
  if (state === "in_progress" && (step.childId !== "" || members.length > 0)) {
    return "is at work through others: settle those, or cancel the task";
  }
  if (state === "pending" && !mayGo(task, step)) {
    return "is one of many, and its turn has not come: settle it once it has begun, or cancel the task";
  }
  if (action === "complete" && MAKERS.has(spec.type)) {
    return `is a ${spec.type}: it makes steps of its result, so declare it done without one, or try it anew`;
  }
  if (action !== "retry") return undefined;
  if (state !== "error") return `is ${state}: only one that failed for good can be tried anew`;
  if (tolerates(spec))
    return "failed, and the others went on without it: declare it done, or run the task again";
  return members.length > 0
    ? "has made its members already: settle it by hand, or run the task again"
    : undefined;
}
