import type { AnyStateMachine, EventObject } from "xstate";
import { type Command, commands } from "#actors/commands";
import { invariant } from "#domain/invariant";
import { limits } from "#limits/index";
import {
  type Action,
  ALWAYS,
  type Args,
  type Assignment,
  type Enqueue,
  type FlatMachine,
  type FlatState,
  flattenMachine,
  type Implementation,
  type Named,
  type Transition,
} from "./flat-machine.js";

/** The state of a machine between messages, as plain JSON. */
export interface MachineState<Context> {
  /** The state's name; for a machine of several regions, a record of the name of each region's state. */
  readonly value: unknown;
  readonly context: Context;
}

/**
 * The state of a machine after a message, and its commands for the runtime. The context is the given object if it did
 * not change, otherwise a copy that the caller owns.
 */
export interface Decision<Context> extends MachineState<Context> {
  readonly commands: readonly Command[];
  /** True if the state has no transition for the message: nothing has changed. */
  readonly ignored: boolean;
}

/** A machine as a pure function of its state and a message. Throws what an action or a guard throws. */
export type Decide<Context, Message extends EventObject> = (
  state: MachineState<Context>,
  message: Message,
) => Decision<Context>;

/**
 * Makes a machine a function of its state and a message.
 *
 * XState's own `transition()` does the same at several times the cost, because it supports statecharts nested to any
 * depth, with history, delays and children. Our machines are flat, or flat regions side by side, and only these are
 * supported here. A test compares both on every machine, state and message, and the runtime's tests run over either.
 *
 * @throws {InvariantViolation} if the machine uses more of XState than {@link flattenMachine} accepts
 */
export function decider<Context, Message extends EventObject>(
  machine: AnyStateMachine,
): Decide<Context, Message> {
  const flat = flattenMachine(machine, commands);
  const queue = new ActionQueue();
  return (state, message) => {
    const step = new Macrostep(flat, queue, state, message);
    const ignored = !step.run();
    return { value: step.value, context: step.context as Context, commands: step.commands, ignored };
  };
}

/** One message to one machine: the transition it causes in each region, and those without a message that follow. */
class Macrostep {
  readonly commands: Command[] = [];
  readonly #machine: FlatMachine;
  readonly #queue: ActionQueue;
  readonly #args: Args;
  readonly #given: unknown;
  readonly #active: FlatState[];

  constructor(
    machine: FlatMachine,
    queue: ActionQueue,
    { value, context }: MachineState<unknown>,
    event: EventObject,
  ) {
    this.#machine = machine;
    this.#queue = queue;
    this.#args = { context, event };
    this.#given = context;
    this.#active = machine.regions.map(({ key, states }) => {
      const name = (machine.parallel ? (value as Record<string, string>)[key] : value) as string;
      const state = states.get(name);
      invariant(state, `${machine.id} has no state "${name}"`);
      return state;
    });
  }

  /** @returns false if no state has a transition for the message */
  run(): boolean {
    const { type } = this.#args.event;
    const heard = this.#microstep(type);
    for (let turns = 1; heard && this.#microstep(ALWAYS); turns += 1) {
      invariant(turns < limits.eventlessTransitions, `${this.#machine.id} never comes to rest on "${type}"`);
    }
    return heard;
  }

  get context(): unknown {
    return this.#args.context;
  }

  get value(): unknown {
    const { parallel, regions } = this.#machine;
    if (!parallel) return this.#active[0]?.key;
    const value: Record<string, string> = {};
    for (let i = 0; i < regions.length; i += 1) value[regions[i]?.key ?? ""] = this.#active[i]?.key ?? "";
    return value;
  }

  /**
   * Takes in each region the first transition whose guard holds: first runs the actions of all these transitions, then
   * the entry actions of the states that are entered.
   *
   * @returns false if there is none
   */
  #microstep(type: string): boolean {
    const taken = this.#active.map((state) => this.#enabled(state.on.get(type)));
    let any = false;
    for (const transition of taken) {
      if (!transition) continue;
      any = true;
      this.#execute(transition.actions);
    }
    for (let region = 0; any && region < taken.length; region += 1) {
      this.#enter(region, taken[region]?.target ?? "");
    }
    return any;
  }

  #enabled(transitions: readonly Transition[] | undefined): Transition | undefined {
    if (!transitions) return undefined;
    for (const transition of transitions) {
      if (!transition.guard || transition.guard(this.#args)) return transition;
    }
    return undefined;
  }

  #enter(region: number, key: string): void {
    if (key === "" || this.#active[region]?.key === key) return;
    const next = this.#machine.regions[region]?.states.get(key) as FlatState;
    this.#active[region] = next;
    this.#execute(next.entry);
  }

  #execute(actions: readonly Action[]): void {
    for (const { type, params, does } of actions) {
      this.#carryOut(type, does, typeof params === "function" ? params(this.#args) : params);
    }
  }

  #carryOut(type: string, does: Implementation, params: unknown): void {
    if (does.assignment) this.#assign(does.assignment, params);
    else if (does.collect) this.#collect(does.collect, params);
    else this.commands.push({ type, params } as Command);
  }

  /** The first assignment makes the copy that all of them change. */
  #assign(assignment: Assignment, params: unknown): void {
    const args = this.#args;
    const change =
      typeof assignment === "function" ? assignment(args, params) : assigned(assignment, args, params);
    if (args.context === this.#given) args.context = { ...(this.#given as object) };
    Object.assign(args.context as object, change);
  }

  /** Collects what an action enqueues, then carries it out in order. */
  #collect(collect: NonNullable<Implementation["collect"]>, params: unknown): void {
    const { context, event } = this.#args;
    const items = this.#queue.collect((enqueue) => collect({ context, event, enqueue }, params));
    for (const item of items) {
      if ("assignment" in item) {
        this.#assign(item.assignment, undefined);
        continue;
      }
      const { type } = item;
      const does = this.#machine.actions[type];
      invariant(does, `${this.#machine.id} enqueues ${type}, which is no action of the machine's by name`);
      this.#carryOut(type, does, item.params);
    }
  }
}

/** Other members of XState's `enqueue`; a machine that calls one throws. */
const NOT_CARRIED_OUT = [
  "raise",
  "sendTo",
  "sendParent",
  "spawnChild",
  "stopChild",
  "cancel",
  "emit",
] as const;

type Queued = { readonly type: string; readonly params?: unknown } | { readonly assignment: Assignment };

/** Collects what one action enqueues. Shared by all actions of a machine, which run one after the other. */
class ActionQueue {
  readonly #enqueue: Enqueue;
  #items: Queued[] = [];

  constructor() {
    const enqueue = (action: Named) =>
      void this.#items.push(typeof action === "string" ? { type: action } : action);
    const assign = (assignment: Assignment) => void this.#items.push({ assignment });
    const refused = NOT_CARRIED_OUT.map((name) => [
      name,
      () =>
        invariant(
          false,
          `a machine enqueues ${name}, which the interpreter of flat machines does not carry out`,
        ),
    ]);
    this.#enqueue = Object.assign(enqueue, Object.fromEntries(refused), { assign });
  }

  /** @returns what `act` has enqueued; the next call starts anew, also after `act` has thrown */
  collect(act: (enqueue: Enqueue) => void): readonly Queued[] {
    this.#items = [];
    act(this.#enqueue);
    return this.#items;
  }
}

/** The change of an assignment that is written field by field. */
function assigned(assignment: Readonly<Record<string, unknown>>, args: Args, params: unknown): object {
  const change: Record<string, unknown> = {};
  for (const key in assignment) {
    const value = assignment[key];
    change[key] = typeof value === "function" ? value(args, params) : value;
  }
  return change;
}
