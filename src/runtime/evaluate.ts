import type { AnyStateMachine, EventObject } from "xstate";
import type { Ask } from "#actors/asks";
import { invariant } from "#domain/invariant";

/** What a machine looks like in a row: plain JSON. */
export interface Rest<Context> {
  readonly value: unknown;
  readonly context: Context;
}

/**
 * Where a message led, and what the machine asks for. The context is the one that was given, or a copy that nobody
 * else has.
 */
export interface Decision<Context> extends Rest<Context> {
  readonly asks: readonly Ask[];
  /** True if the state does not listen for the message. */
  readonly ignored: boolean;
}

/**
 * Makes a machine a function from (state, message) to (state, asks).
 *
 * XState's own `transition()` does the same at several times the cost: it is made for machines nested to any
 * depth, with history, delays and children. Ours are flat, or flat regions side by side, and this reads just
 * that from what XState has parsed. A test holds the two equal on every machine, state and message.
 */
export function decider<Context, Message extends EventObject>(machine: AnyStateMachine) {
  const flat = flatten(machine);
  return (rest: Rest<Context>, message: Message): Decision<Context> => {
    const way = new Way(flat, rest, message);
    const ignored = !way.go();
    return { value: way.value, context: way.context as Context, asks: way.asks, ignored };
  };
}

/** The parts of XState's parsed machine that are read here. */
interface Node {
  readonly key: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly states: Readonly<Record<string, Node>>;
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invoke: readonly unknown[];
  readonly always?: readonly Guarded[];
  readonly transitions: ReadonlyMap<string, readonly Guarded[]>;
}

interface Guarded {
  readonly guard: string | undefined;
  readonly target: readonly Node[] | undefined;
  readonly actions: readonly Named[];
}

/** An action's name alone, or with parameters, which may be computed. */
type Named = string | { readonly type: string; readonly params?: unknown };
type Args = { context: unknown; readonly event: EventObject };
type Assignment = ((args: Args, params: unknown) => object) | Readonly<Record<string, unknown>>;
type Enqueue = ((action: Exclude<Named, string>) => void) & { assign: (assignment: Assignment) => void };

/** What a name stands for: an assignment, a list of further actions, or an ask, which has no body here. */
interface Implementation {
  readonly assignment?: Assignment;
  readonly collect?: (args: Args & { enqueue: Enqueue }, params: unknown) => void;
}

interface Implementations {
  readonly actions: Readonly<Record<string, Implementation>>;
  readonly guards: Readonly<Record<string, (args: Args) => boolean>>;
}

/** A machine of one region, or of several side by side, with every name looked up. */
interface Flat extends Implementations {
  readonly id: string;
  readonly parallel: boolean;
  readonly regions: readonly { readonly key: string; readonly states: ReadonlyMap<string, State> }[];
}

interface State {
  readonly key: string;
  readonly entry: readonly Action[];
  /** By the message that leads on, and under {@link ALWAYS} what needs none. */
  readonly on: ReadonlyMap<string, readonly Transition[]>;
}

interface Transition {
  readonly guard: ((args: Args) => boolean) | undefined;
  /** Empty if the state stays. */
  readonly target: string;
  readonly actions: readonly Action[];
}

interface Action {
  readonly type: string;
  readonly params: unknown;
  readonly does: Implementation | undefined;
}

/** Refuses at the start what would not be heeded later. */
function flatten({ id, root, implementations }: AnyStateMachine): Flat {
  const node = root as unknown as Node;
  const parallel = node.type === "parallel";
  const names = implementations as unknown as Implementations;
  const regions = (parallel ? Object.values(node.states) : [node]).map(({ key, states }) => ({
    key,
    states: new Map(Object.values(states).map((state) => [state.key, flatState(id, state, names)])),
  }));
  return { id, parallel, regions, ...names };
}

function flatState(id: string, node: Node, names: Implementations): State {
  const { key, type, states, entry, exit, invoke, always = [], transitions } = node;
  const flat = (type === "atomic" || type === "final") && Object.keys(states).length === 0;
  invariant(flat && exit.length === 0 && invoke.length === 0, `${id}.${key} is more than a flat state`);

  const known = (named: Named) => actionOf(named, names);
  const resolved = ({ guard, target, actions }: Guarded): Transition => {
    const holds = guard === undefined ? undefined : names.guards[guard];
    invariant(guard === undefined || holds, `${id}.${key} has a guard that nobody wrote: ${guard}`);
    return { guard: holds, target: target?.[0]?.key ?? "", actions: actions.map(known) };
  };
  const lists = always.length === 0 ? transitions : new Map([...transitions, [ALWAYS, always]]);
  const on = Array.from(lists, ([event, list]) => [event, list.map(resolved)] as const);
  return { key, entry: entry.map(known), on: new Map(on) };
}

function actionOf(named: Named, { actions }: Implementations): Action {
  const { type, params } = typeof named === "string" ? { type: named, params: undefined } : named;
  return { type, params, does: actions[type] };
}

/** No message's type. */
const ALWAYS = "";
/** Passing states follow one another in none of our machines for long; a longer way is a circle. */
const ALWAYS_MOST = 8;

/** One message's way through a machine. */
class Way {
  readonly asks: Ask[] = [];
  readonly #machine: Flat;
  readonly #args: Args;
  readonly #given: unknown;
  readonly #active: State[];

  constructor(machine: Flat, { value, context }: Rest<unknown>, event: EventObject) {
    this.#machine = machine;
    this.#args = { context, event };
    this.#given = context;
    this.#active = machine.regions.map(({ key, states }) => {
      const name = (machine.parallel ? (value as Record<string, string>)[key] : value) as string;
      const state = states.get(name);
      invariant(state, `${machine.id} has no state "${name}"`);
      return state;
    });
  }

  /** False if no state listens. */
  go(): boolean {
    const { type } = this.#args.event;
    const heard = this.#move(type);
    for (let turns = 1; heard && this.#move(ALWAYS); turns += 1) {
      invariant(turns < ALWAYS_MOST, `${this.#machine.id} never comes to rest on "${type}"`);
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
   * In each region the first transition whose guard holds: first what all of them do, then what the states do that
   * are entered. False if there is none.
   */
  #move(type: string): boolean {
    const taken = this.#active.map((state) => this.#enabled(state.on.get(type)));
    let any = false;
    for (const transition of taken) {
      if (!transition) continue;
      any = true;
      this.#run(transition.actions);
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
    const next = this.#machine.regions[region]?.states.get(key) as State;
    this.#active[region] = next;
    this.#run(next.entry);
  }

  #run(actions: readonly Action[]): void {
    for (const { type, params, does } of actions) {
      this.#carryOut(type, does, typeof params === "function" ? params(this.#args) : params);
    }
  }

  #carryOut(type: string, does: Implementation | undefined, params: unknown): void {
    if (does?.assignment) this.#assign(does.assignment, params);
    else if (does?.collect) this.#collect(does.collect, params);
    else this.asks.push({ type, params } as Ask);
  }

  /** The first assignment makes the copy that all of them change. */
  #assign(assignment: Assignment, params: unknown): void {
    const args = this.#args;
    const change =
      typeof assignment === "function" ? assignment(args, params) : computed(assignment, args, params);
    if (args.context === this.#given) args.context = { ...(this.#given as object) };
    Object.assign(args.context as object, change);
  }

  /** What is enqueued is carried out once all of it is known. */
  #collect(collect: NonNullable<Implementation["collect"]>, params: unknown): void {
    const { context, event } = this.#args;
    todo = [];
    collect({ context, event, enqueue }, params);
    for (const item of todo) {
      if ("assignment" in item) this.#assign(item.assignment, undefined);
      else this.#carryOut(item.type, this.#machine.actions[item.type], item.params);
    }
  }
}

/** What the list of actions that is being collected has so far; there is only ever one. */
let todo: (Exclude<Named, string> | { readonly assignment: Assignment })[] = [];
const enqueue: Enqueue = Object.assign((action: Exclude<Named, string>) => void todo.push(action), {
  assign: (assignment: Assignment) => void todo.push({ assignment }),
});

/** An assignment that is written field by field. */
function computed(assignment: Readonly<Record<string, unknown>>, args: Args, params: unknown): object {
  const change: Record<string, unknown> = {};
  for (const key in assignment) {
    const value = assignment[key];
    change[key] = typeof value === "function" ? value(args, params) : value;
  }
  return change;
}
