import type { AnyStateMachine, EventObject } from "xstate";
import type { Ask } from "#actors/asks";
import { invariant } from "#domain/invariant";

/** What a machine looks like in a row: plain JSON. */
export interface Rest<Context> {
  readonly value: unknown;
  readonly context: Context;
}

/** Where a message led, and what the machine asks for. `ignored` if the state does not listen for it. */
export interface Decision<Context> extends Rest<Context> {
  readonly asks: readonly Ask[];
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
  const parsed = flatOf(machine);
  return (rest: Rest<Context>, message: Message): Decision<Context> => {
    const way = new Way(parsed, rest, message);
    const ignored = !way.go();
    return { value: way.value, context: way.context as Context, asks: way.asks, ignored };
  };
}

/** The parts of XState's parsed machine that deciding needs. */
interface Node {
  readonly key: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly states: Readonly<Record<string, Node>>;
  readonly entry: readonly Action[];
  readonly exit: readonly Action[];
  readonly invoke: readonly unknown[];
  readonly always?: readonly Transition[];
  readonly transitions: ReadonlyMap<string, readonly Transition[]>;
}

interface Transition {
  readonly guard: string | undefined;
  readonly target: readonly Node[] | undefined;
  readonly actions: readonly Action[];
}

/** A name alone, or with parameters, which may be computed. */
type Action = string | NamedAction;
type NamedAction = { readonly type: string; readonly params?: unknown };
type Args = { readonly context: unknown; readonly event: EventObject };
type Assignment = ((args: Args, params: unknown) => object) | Readonly<Record<string, unknown>>;
type Enqueue = ((action: NamedAction) => void) & { assign: (assignment: Assignment) => void };

/** What a name stands for: an assignment, a list of further actions, or an ask, which has no body here. */
interface Implementation {
  readonly assignment?: Assignment;
  readonly collect?: (args: Args & { enqueue: Enqueue }, params: unknown) => void;
}

/** A machine of one region, or of several side by side. */
interface Flat {
  readonly id: string;
  readonly parallel: boolean;
  readonly regions: readonly Node[];
  readonly actions: Readonly<Record<string, Implementation>>;
  readonly guards: Readonly<Record<string, (args: Args) => boolean>>;
}

/** Refuses at the start what would not be heeded later. */
function flatOf({ id, root, implementations }: AnyStateMachine): Flat {
  const node = root as unknown as Node;
  const parallel = node.type === "parallel";
  const regions = parallel ? Object.values(node.states) : [node];
  for (const { key, type, states, exit, invoke } of regions.flatMap(({ states }) => Object.values(states))) {
    const flat = (type === "atomic" || type === "final") && Object.keys(states).length === 0;
    invariant(flat && exit.length === 0 && invoke.length === 0, `${id}.${key} is more than a flat state`);
  }
  return { id, parallel, regions, ...(implementations as unknown as Pick<Flat, "actions" | "guards">) };
}

/** A transition, and the region in which it is taken. */
type Taken = Transition & { readonly region: number };

/** Passing states follow one another in none of our machines for long; a longer way is a circle. */
const ALWAYS_MOST = 8;

/** One message's way through a machine. */
class Way {
  readonly asks: Ask[] = [];
  readonly #machine: Flat;
  readonly #event: EventObject;
  readonly #active: Node[];
  #context: unknown;

  constructor(machine: Flat, { value, context }: Rest<unknown>, event: EventObject) {
    this.#machine = machine;
    this.#event = event;
    this.#context = context;
    this.#active = machine.regions.map((region) => {
      const key = (machine.parallel ? (value as Record<string, string>)[region.key] : value) as string;
      const node = region.states[key];
      invariant(node, `${machine.id} has no state "${key}"`);
      return node;
    });
  }

  /** False if no state listens. */
  go(): boolean {
    let taken = this.#enabled(({ transitions }) => transitions.get(this.#event.type));
    const heard = taken.length > 0;
    for (let turns = 0; taken.length > 0; turns += 1) {
      invariant(turns < ALWAYS_MOST, `${this.#machine.id} never comes to rest on "${this.#event.type}"`);
      this.#take(taken);
      taken = this.#enabled(({ always }) => always);
    }
    return heard;
  }

  get context(): unknown {
    return this.#context;
  }

  get value(): unknown {
    const { parallel, regions } = this.#machine;
    if (!parallel) return this.#active[0]?.key;
    return Object.fromEntries(this.#active.map(({ key }, i) => [regions[i]?.key, key]));
  }

  /** In each region the first transition whose guard holds. */
  #enabled(of: (node: Node) => readonly Transition[] | undefined): Taken[] {
    const { guards } = this.#machine;
    const args = this.#args();
    return this.#active.flatMap((node, region) => {
      const found = of(node)?.find(({ guard }) => guard === undefined || guards[guard]?.(args));
      return found ? { ...found, region } : [];
    });
  }

  /** What the transitions do, then what the states do that are entered. */
  #take(taken: readonly Taken[]): void {
    for (const { actions } of taken) this.#run(actions);
    for (const { target, region } of taken) {
      const next = target?.[0];
      if (!next || next === this.#active[region]) continue;
      this.#active[region] = next;
      this.#run(next.entry);
    }
  }

  #run(actions: readonly Action[]): void {
    for (const action of actions) {
      if (typeof action === "string") this.#carryOut(action, undefined);
      else {
        const { type, params } = action;
        this.#carryOut(type, typeof params === "function" ? params(this.#args()) : params);
      }
    }
  }

  #carryOut(type: string, params: unknown): void {
    const action = this.#machine.actions[type];
    if (action?.assignment) this.#assign(action.assignment, params);
    else if (action?.collect) this.#collect(action.collect, params);
    else this.asks.push({ type, params } as Ask);
  }

  #assign(assignment: Assignment, params: unknown): void {
    const args = this.#args();
    const context = this.#context as object;
    if (typeof assignment === "function") {
      this.#context = { ...context, ...assignment(args, params) };
      return;
    }
    const change: Record<string, unknown> = {};
    for (const key in assignment) {
      const value = assignment[key];
      change[key] = typeof value === "function" ? value(args, params) : value;
    }
    this.#context = { ...context, ...change };
  }

  /** What is enqueued is carried out once all of it is known. */
  #collect(collect: NonNullable<Implementation["collect"]>, params: unknown): void {
    const todo: (NamedAction | { readonly assignment: Assignment })[] = [];
    const enqueue: Enqueue = Object.assign((action: NamedAction) => void todo.push(action), {
      assign: (assignment: Assignment) => void todo.push({ assignment }),
    });
    collect({ ...this.#args(), enqueue }, params);
    for (const item of todo) {
      if ("assignment" in item) this.#assign(item.assignment, undefined);
      else this.#carryOut(item.type, item.params);
    }
  }

  #args(): Args {
    return { context: this.#context, event: this.#event };
  }
}
