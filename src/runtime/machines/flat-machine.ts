import type { AnyStateMachine, EventObject } from "xstate";
import { invariant } from "#domain/invariant";

/**
 * A machine of one region, or of several side by side, whose states have none inside them, with every name
 * looked up. All that the flat interpreter reads of a machine.
 */
export interface FlatMachine {
  readonly id: string;
  /** One region's state is its name; of several it is a record of their names. */
  readonly parallel: boolean;
  readonly regions: readonly Region[];
  /** Implementations of the actions that may be enqueued, by name. */
  readonly actions: Readonly<Record<string, Implementation>>;
}

export interface Region {
  readonly key: string;
  readonly states: ReadonlyMap<string, FlatState>;
}

export interface FlatState {
  readonly key: string;
  readonly entry: readonly Action[];
  /** Transitions by the type of the message that triggers them; those without a message are under {@link ALWAYS}. */
  readonly on: ReadonlyMap<string, readonly Transition[]>;
}

/** The key of transitions that are taken without a message. No message has this type. */
export const ALWAYS = "";

export interface Transition {
  readonly guard: Guard | undefined;
  /** Another state of the same region; empty if the state stays. */
  readonly target: string;
  readonly actions: readonly Action[];
}

export interface Action {
  readonly type: string;
  /** A value, or a function of {@link Args}. */
  readonly params: unknown;
  readonly does: Implementation;
}

export type Args = { context: unknown; readonly event: EventObject };
export type Guard = (args: Args) => boolean;
export type Assignment = ((args: Args, params: unknown) => object) | Readonly<Record<string, unknown>>;

/** An action by name, or one of XState's own, which has a type and a body. */
export type Named = string | { readonly type: string; readonly params?: unknown };

/** What an action may enqueue: further actions by name, and assignments. */
export type Enqueue = ((action: Named) => void) & { assign: (assignment: Assignment) => void };

/**
 * What XState has for an action's name: an `assign`, an `enqueueActions`, or neither if it is a request to the
 * runtime.
 */
export interface Implementation {
  readonly type?: string;
  readonly assignment?: Assignment;
  readonly collect?: (args: Args & { enqueue: Enqueue }, params: unknown) => void;
}

/** The parts of a node of XState's parsed machine that are read here. */
interface Node {
  readonly key: string;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly states: Readonly<Record<string, Node>>;
  readonly initial?: { readonly actions: readonly unknown[] };
  readonly entry: readonly Named[];
  readonly exit: readonly Named[];
  readonly invoke: readonly unknown[];
  readonly always?: readonly ParsedTransition[];
  readonly transitions: ReadonlyMap<string, readonly ParsedTransition[]>;
}

interface ParsedTransition {
  readonly guard: unknown;
  readonly target: readonly Node[] | undefined;
  readonly actions: readonly Named[];
  readonly reenter: boolean;
}

interface Implementations {
  readonly actions: Readonly<Record<string, Implementation>>;
  readonly guards: Readonly<Record<string, Guard>>;
}

/** Actions that the caller carries out instead of the machine: the placeholder of each, by name. */
export type Requests = Readonly<Record<string, unknown>>;

/**
 * Reads what XState has parsed of a machine, once, when the process starts.
 *
 * @param requests the actions that have no body in the machine: they are handed to the caller
 * @throws {InvariantViolation} naming the state and the feature, if the machine uses any part of XState that
 * the flat interpreter does not carry out. It accepts flat states and regions, `entry`, `on`, `always`, guards and
 * actions by name, `assign`, and `enqueueActions` with named actions and assignments; and nothing else
 */
export function flattenMachine(machine: AnyStateMachine, requests: Requests): FlatMachine {
  const { id, root, implementations } = machine;
  const node = root as unknown as Node;
  const parallel = node.type === "parallel";
  const reader = new Reader(id, implementations as unknown as Implementations, requests);
  const parents = parallel ? Object.values(node.states) : [node];
  for (const parent of new Set([node, ...parents])) reader.refuseBehaviour(parent);
  return { id, parallel, regions: parents.map((parent) => reader.region(parent)), actions: reader.actions };
}

/** The types of the two actions of XState's that are carried out, each with the property that holds its body. */
const CARRIED_OUT: ReadonlyMap<unknown, keyof Implementation> = new Map([
  ["xstate.assign", "assignment"],
  ["xstate.enqueueActions", "collect"],
]);

class Reader {
  readonly actions: Readonly<Record<string, Implementation>>;
  readonly #id: string;
  readonly #guards: Readonly<Record<string, Guard>>;
  readonly #requests: Requests;

  constructor(id: string, { actions, guards }: Implementations, requests: Requests) {
    this.#id = id;
    this.actions = actions;
    this.#guards = guards;
    this.#requests = requests;
    for (const [name, body] of Object.entries(actions)) this.#checkBody("", name, body);
  }

  /** A machine or region is only a list of states: what it does itself would have to be done with each of them. */
  refuseBehaviour({ key, transitions, entry, exit, invoke, always = [], initial }: Node): void {
    this.#check(transitions.size === 0, key, "has transitions of its own around its states");
    this.#check(entry.length + exit.length === 0, key, "has actions around its states");
    this.#check(always.length === 0, key, "has transitions without a message around its states");
    this.#check(invoke.length === 0, key, "invokes an actor");
    this.#check(!initial || initial.actions.length === 0, key, "has actions on its way into the first state");
  }

  region(parent: Node): Region {
    const states = Object.values(parent.states).map((state) => this.#state(parent, state));
    return { key: parent.key, states: new Map(states.map((state) => [state.key, state])) };
  }

  #state(parent: Node, node: Node): FlatState {
    const { key, type, states, entry, exit, invoke, always = [], transitions } = node;
    const flat = (type === "atomic" || type === "final") && Object.keys(states).length === 0;
    this.#check(flat, key, "has states inside");
    this.#check(exit.length === 0, key, "has exit actions");
    this.#check(invoke.length === 0, key, "invokes an actor");
    const lists = always.length === 0 ? transitions : new Map([...transitions, [ALWAYS, always]]);
    const on = Array.from(lists, ([event, list]) => {
      this.#check(!event.includes("*"), key, `listens for the wildcard "${event}"`);
      this.#check(!event.startsWith("xstate."), key, `waits for ${event}: a delay, or what it has invoked`);
      return [event, list.map((transition) => this.#transition(parent, node, transition))] as const;
    });
    return { key, entry: entry.map((named) => this.#action(key, named)), on: new Map(on) };
  }

  #transition(
    parent: Node,
    from: Node,
    { guard, target = [], actions, reenter }: ParsedTransition,
  ): Transition {
    const { key } = from;
    const [to] = target;
    this.#check(!reenter, key, "re-enters itself");
    this.#check(target.length < 2, key, "goes to several states at once");
    this.#check(!to || parent.states[to.key] === to, key, `goes to ${to?.key}, which is not beside it`);
    const holds = typeof guard === "string" ? this.#guards[guard] : undefined;
    this.#check(
      guard === undefined || holds !== undefined,
      key,
      `has a guard without a name or body: ${guard}`,
    );
    return {
      guard: holds,
      target: to?.key ?? "",
      actions: actions.map((action) => this.#action(key, action)),
    };
  }

  #action(key: string, named: Named): Action {
    if (typeof named === "function") {
      this.#checkBody(key, "an action without a name", named);
      return { type: "", params: undefined, does: named };
    }
    const { type, params } = typeof named === "string" ? { type: named, params: undefined } : named;
    const does = this.actions[type];
    this.#check(does, key, `asks for ${type}, which has no body`);
    return { type, params, does };
  }

  #checkBody(key: string, name: string, body: Implementation): asserts body {
    if (this.#requests[name] === body) return;
    const { type = "a function of its own" } = body;
    const known = CARRIED_OUT.get(body.type);
    this.#check(known && body[known], key, `does ${name} by ${type}`);
  }

  #check(holds: unknown, key: string, what: string): asserts holds {
    const where = key === "" || key === this.#id ? this.#id : `${this.#id}.${key}`;
    invariant(holds, `${where} ${what}, which the interpreter of flat machines does not carry out`);
  }
}
