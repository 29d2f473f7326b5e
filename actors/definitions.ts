import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import type { DeadlineKind } from "#domain/task/deadline";
import { type MachineId, machines } from "./machines.js";

/**
 * A machine as data, for charts and the inspector: plain JSON in the form of XState's own machine configurations, so
 * that `createMachine` and the Stately editor read it. Actions and guards are names.
 *
 * @example
 * import { definitions } from "taskrun/actors";
 * console.log(JSON.stringify(definitions.task, undefined, 2)); // paste into the editor, as a machine
 */
export interface MachineDefinition extends StateDefinition {
  readonly id: MachineId;
}

export interface StateDefinition {
  readonly type?: "parallel" | "final";
  readonly initial?: string;
  /** When the state is left without a message, in words. */
  readonly description?: string;
  readonly entry?: readonly string[];
  readonly on?: Readonly<Record<string, readonly TransitionDefinition[]>>;
  readonly always?: readonly TransitionDefinition[];
  /**
   * By the name of a delay: what happens when a deadline passes that was set for this state. The machines that run have
   * none of these: a deadline is a row, and when it passes the machine is told a message, whose transition this is.
   */
  readonly after?: Readonly<Record<string, readonly TransitionDefinition[]>>;
  readonly states?: Readonly<Record<string, StateDefinition>>;
}

export interface TransitionDefinition {
  /** `#id` of a state; the state stays if it is left out. */
  readonly target?: string;
  readonly guard?: string;
  readonly actions?: readonly string[];
}

/** What a machine is told when a deadline passes, and where it waits for that. */
export interface Timeout {
  readonly machine: MachineId;
  readonly states: readonly string[];
  readonly message: string;
  /** How long after what, for a reader. */
  readonly delay: string;
}

const BEFORE_ITS_END = [
  "pending",
  "initializing",
  "enqueuing_steps",
  "steps_in_process",
  "waiting_for_dependencies",
  "waiting_for_retry",
  "blocked_by_failures",
] as const;

/** Every kind of deadline, and the lease of a worker. */
export const timeouts: Readonly<Record<DeadlineKind | "lease", Timeout>> = {
  start: { machine: "task", states: ["pending"], message: "start", delay: "start_at of the Task" },
  timeout: {
    machine: "task",
    states: BEFORE_ITS_END,
    message: "timeout",
    delay: "timeout_ms of the Task, from its creation",
  },
  orphan: {
    machine: "task",
    states: BEFORE_ITS_END,
    message: "cancel",
    delay: "at once when the Task has ended that this one is a Step of",
  },
  hold: {
    machine: "task",
    states: ["blocked_by_failures"],
    message: "giveUp",
    delay: "seven days from the last failure, if failures are held for an operator",
  },
  release: {
    machine: "run",
    states: ["held"],
    message: "released",
    delay: "five minutes from the end of the Run, if compensation waits for it",
  },
  budget: {
    machine: "step",
    states: ["enqueued", "in_progress", "waiting_for_retry"],
    message: "budgetExceeded",
    delay: "at once when a budget is used up that bounds the Task",
  },
  wall: {
    machine: "step",
    states: ["enqueued", "in_progress", "waiting_for_retry"],
    message: "budgetExceeded",
    delay: "wall_ms of the Task, of Runs that are held",
  },
  retry: {
    machine: "step",
    states: ["waiting_for_retry"],
    message: "retry",
    delay: "the backoff of the Step, or what its agent has asked for",
  },
  attempt: {
    machine: "step",
    states: ["in_progress"],
    message: "failed",
    delay: "timeout_seconds of the Step, from the assignment",
  },
  timer: {
    machine: "step",
    states: ["in_progress"],
    message: "succeeded",
    delay: "delay_ms or until of a timer",
  },
  signal: {
    machine: "step",
    states: ["in_progress"],
    message: "failed",
    delay: "timeout_ms of a signal without a default",
  },
  wake: {
    machine: "step",
    states: ["in_progress"],
    message: "woken",
    delay: "when something may be over that its suspended agent waits for",
  },
  lease: {
    machine: "worker",
    states: ["serving", "failing", "draining", "detached"],
    message: "silent",
    delay: "the lease of the worker, from its last heartbeat",
  },
};

/** Every machine's definition, deadlines included, by the machine's id. */
export const definitions = Object.fromEntries(
  Object.entries(machines).map(([id, machine]) => [id, definitionOf(machine, id as MachineId)]),
) as Readonly<Record<MachineId, MachineDefinition>>;

function definitionOf({ root }: AnyStateMachine, id: MachineId): MachineDefinition {
  return { id, ...stateOf(root, id) };
}

function stateOf(node: AnyStateNode, machine: MachineId): StateDefinition {
  const passing = Object.values(timeouts).filter(
    (timeout) => timeout.machine === machine && timeout.states.includes(node.key),
  );
  const children = Object.entries(node.states).map(([key, child]) => [key, stateOf(child, machine)] as const);
  const [initial] = node.type === "compound" ? (node.initial.target ?? []) : [];
  return {
    ...((node.type === "parallel" || node.type === "final") && { type: node.type }),
    ...(initial && { initial: initial.key }),
    ...(passing.length > 0 && {
      description: passing.map(({ delay, message }) => `${message}: ${delay}.`).join("\n"),
    }),
    ...(node.entry.length > 0 && { entry: node.entry.map(nameOf) }),
    ...(node.transitions.size > 0 && {
      on: Object.fromEntries(Array.from(node.transitions, ([type, all]) => [type, all.map(transitionOf)])),
    }),
    ...(node.always && { always: node.always.map(transitionOf) }),
    ...(passing.length > 0 && {
      after: Object.fromEntries(
        passing.map(({ delay, message }) => [delay, (node.transitions.get(message) ?? []).map(transitionOf)]),
      ),
    }),
    ...(children.length > 0 && { states: Object.fromEntries(children) }),
  };
}

function transitionOf({ target, guard, actions }: AnyTransitionDefinition): TransitionDefinition {
  const [to] = target ?? [];
  return {
    ...(to && { target: `#${to.id}` }),
    ...(guard !== undefined && { guard: nameOf(guard) }),
    ...(actions.length > 0 && { actions: actions.map(nameOf) }),
  };
}

/** An action or guard by name; one that has parameters is an object with its name for a type. */
function nameOf(named: unknown): string {
  return typeof named === "string" ? named : String((named as { readonly type?: unknown }).type);
}
