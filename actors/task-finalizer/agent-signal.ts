import { Fault } from "#domain/fault";
import type { StepKey } from "#domain/id";
import type { Needs } from "#domain/needs";
import { recordKey, type TaskSignals } from "#domain/task/journal";
import { hasEnded, isTolerated, type StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { refuse, replyTask } from "../make-command.js";
import { noteAction } from "../step/by-hand.js";
import { signalsOf, wakeBySignal } from "../step/waits.js";
import { taskAlone } from "../task/quiescence.js";
import type { MessageView } from "../view.js";
import type { FinalizerMessage } from "./handler.js";

/** A signal whose name no Step of the Task's template has: it is for the agents, which wait for names of their own. */

/** What deciding about it needs: the payloads of this name that nobody has taken, to tell a repeat. */
export function agentSignalNeeds(task: TaskRow, name: string): Needs {
  const steps: StepKey = taskAlone(task.id);
  const untaken = signalsOf(task).kept.filter((each) => each.name === name);
  return {
    graphs: [task.id],
    stepActions: [steps],
    journal: untaken.map(({ seq }) => recordKey(steps, seq)),
  };
}

/**
 * Gives it to the Step that waits for it, or keeps it for the first that will. Undefined if no Step of the Task has an agent that may
 * still wait.
 */
export function signalAgents(
  task: TaskRow,
  steps: readonly StepRow[],
  { caller, signal: name, payload, reason, requestId }: FinalizerMessage<"signal">,
  view: MessageView,
  at: Instant,
): Command[] | undefined {
  const agents = steps.filter(mayStillWait);
  if (agents.length === 0) return undefined;
  const whole = taskAlone(task.id);
  const before = signalsOf(task);
  if (isRepeated(before, name, payload, requestId, (seq) => view.record(whole, seq))) {
    return [replyTask(task.id)];
  }
  const noted = noteAction(whole, { caller, type: "signal", reason }, view, at);
  const signals = remembered(before, requestId);
  for (const step of agents) {
    const woken = wakeBySignal(task, step, name, payload, at);
    if (woken) return [...noteSignals(task, before, signals), ...woken, noted, replyTask(task.id)];
  }
  if (before.kept.length >= limits.keptSignals) return [refuse(full(task, before))];
  const kept = [...signals.kept, { name, seq: signals.count }];
  return [
    { type: "keepRecord", params: { ...whole, seq: signals.count, json: payload } },
    ...noteSignals(task, before, { ...signals, kept, count: signals.count + 1 }),
    noted,
    replyTask(task.id),
  ];
}

/** True if the Step's agent may wait for signals, now or when somebody has put right what the Step has failed of. */
function mayStillWait(step: StepRow): boolean {
  const mayGoOn = step.state === "error" && !isTolerated(step);
  return step.agentName !== "" && (mayGoOn || !hasEnded(step.state));
}

/** True if the request was counted before, or if nobody has taken the same payload yet. */
function isRepeated(
  { kept, requests }: TaskSignals,
  name: string,
  payload: string,
  requestId: string,
  payloadOf: (seq: number) => string | undefined,
): boolean {
  if (requestId !== "") return requests.includes(requestId);
  return kept.some((each) => each.name === name && payloadOf(each.seq) === payload);
}

function remembered(signals: TaskSignals, requestId: string): TaskSignals {
  if (requestId === "") return signals;
  return { ...signals, requests: [...signals.requests, requestId].slice(-limits.signalRequests) };
}

function noteSignals(task: TaskRow, before: TaskSignals, signals: TaskSignals): Command[] {
  return signals === before ? [] : [{ type: "noteSignals", params: { taskId: task.id, signals } }];
}

function full(task: TaskRow, { kept }: TaskSignals): Fault {
  const names = [...new Set(kept.map(({ name }) => `"${name}"`))].slice(0, 5).join(", ");
  const text = `task ${task.id} keeps ${kept.length} signals that no agent of it has waited for, the most: ${names}`;
  return new Fault("overloaded", text, { reason: "SIGNALS_FULL" });
}
