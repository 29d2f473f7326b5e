import { inspectPage } from "#limits/inspect-page";

/**
 * A machine as it is drawn: its states and transitions, read from the definition in an `@xstate.actor` event. A definition
 * is JSON of anybody's, so nothing in it is relied on: what cannot be read is left out.
 */

/** One state. `id` is the path of keys below the machine's id, joined by dots. */
export interface ChartState {
  readonly id: string;
  readonly key: string;
  readonly kind: "atomic" | "compound" | "parallel" | "final" | "history";
  readonly states: readonly ChartState[];
  /** Ids of the states in which it begins; of a parallel state all. */
  readonly initial: readonly string[];
  /** Events that it handles without being left. */
  readonly inner: readonly string[];
  readonly description: string;
}

/** What makes a state change to another one. */
export interface ChartTransition {
  readonly from: string;
  readonly to: string;
  readonly kind: "event" | "always" | "after";
  /** The event, or how long after what; empty for `always`. */
  readonly event: string;
  /** Empty if there is none. */
  readonly guard: string;
  /** Its place among those of the same state and event, which are tried in order, from 1; 0 if it is the only one. */
  readonly order: number;
}

export interface Machine {
  readonly id: string;
  readonly root: ChartState;
  readonly transitions: readonly ChartTransition[];
  /** Every state by its id, the root included. */
  readonly states: ReadonlyMap<string, ChartState>;
  /** True if the definition has more states or transitions than are drawn. */
  readonly isCut: boolean;
}

const { chartStates, chartTransitions, chartDepth, chartNameChars: NAME_CHARS } = inspectPage;

type Loose = Readonly<Record<string, unknown>>;

/** Reads a definition; undefined if it is not JSON, or has no states. */
export function readMachine(definition: string | undefined): Machine | undefined {
  const config = parsed(definition);
  if (!config || !isObject(config.states)) return undefined;
  const reader = new Reader(textOf(config.id) || "machine");
  return reader.machine(config);
}

function parsed(definition: string | undefined): Loose | undefined {
  try {
    const value: unknown = JSON.parse(definition ?? "");
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

class Reader {
  readonly #id: string;
  readonly #states = new Map<string, ChartState>();
  readonly #transitions: ChartTransition[] = [];
  /** Ids that states have been given, by which transitions may name them. */
  readonly #named = new Map<string, string>();
  #isCut = false;

  constructor(id: string) {
    this.#id = id;
  }

  machine(config: Loose): Machine {
    const root = this.#state(config, [this.#id], 0);
    this.#collect(config, [this.#id], 0);
    const inner = this.#innerEvents();
    const withInner = (state: ChartState): ChartState => {
      const whole = { ...state, inner: inner.get(state.id) ?? [], states: state.states.map(withInner) };
      this.#states.set(state.id, whole);
      return whole;
    };
    return {
      id: this.#id,
      root: withInner(root),
      transitions: this.#transitions.filter(({ from, to, kind }) => from !== to || kind !== "event"),
      states: this.#states,
      isCut: this.#isCut,
    };
  }

  #state(config: Loose, path: readonly string[], depth: number): ChartState {
    const id = path.join(".");
    const given = textOf(config.id);
    if (given !== "") this.#named.set(given, id);
    const states = this.#children(config, depth).map(([key, child]) =>
      this.#state(child, [...path, key], depth + 1),
    );
    const kind = kindOf(config, states);
    const first = states.find(({ key }) => key === initialOf(config)) ?? states[0];
    const initial = kind === "parallel" ? states.map((state) => state.id) : first ? [first.id] : [];
    const description = textOf(config.description);
    const state = { id, key: path.at(-1) ?? id, kind, states, initial, inner: [], description };
    this.#states.set(id, state);
    return state;
  }

  #children(config: Loose, depth: number): readonly (readonly [string, Loose])[] {
    if (!isObject(config.states)) return [];
    const all = Object.entries(config.states).filter((entry): entry is [string, Loose] => isObject(entry[1]));
    const room = depth >= chartDepth ? 0 : Math.max(chartStates - this.#states.size, 0);
    if (all.length > room) this.#isCut = true;
    return all.slice(0, room).map(([key, child]) => [key.slice(0, NAME_CHARS), child]);
  }

  /** Collects the transitions, once every state is known. */
  #collect(config: Loose, path: readonly string[], depth: number): void {
    const from = path.join(".");
    if (!this.#states.has(from)) return;
    for (const [event, value] of entriesOf(config.on)) this.#take(from, "event", event, value);
    for (const [delay, value] of entriesOf(config.after)) this.#take(from, "after", delay, value, config.on);
    if (config.always !== undefined) this.#take(from, "always", "", config.always);
    if (config.onDone !== undefined) this.#take(from, "event", "done", config.onDone);
    if (depth >= chartDepth) return;
    for (const [key, child] of entriesOf(config.states)) {
      if (isObject(child)) this.#collect(child, [...path, key.slice(0, NAME_CHARS)], depth + 1);
    }
  }

  /** @param on the state's events: a delay whose transition is one of these is said by it already */
  #take(from: string, kind: ChartTransition["kind"], event: string, value: unknown, on?: unknown): void {
    const all = Array.isArray(value) ? value : [value];
    if (kind === "after" && repeats(all, on)) return;
    for (const [i, one] of all.entries()) {
      if (this.#transitions.length >= chartTransitions) {
        this.#isCut = true;
        return;
      }
      const target = targetOf(one);
      const guard = isObject(one) ? nameOf(one.guard ?? one.cond) : "";
      const to = target === "" ? from : this.#resolve(target, from);
      if (to === undefined) continue;
      const order = all.length > 1 ? i + 1 : 0;
      this.#transitions.push({ from, to, kind, event: event.slice(0, NAME_CHARS), guard, order });
    }
  }

  /** The state that a target names: `#id`, `.child`, or a sibling by its key. */
  #resolve(target: string, from: string): string | undefined {
    const known = (id: string) => (this.#states.has(id) ? id : undefined);
    if (target.startsWith("#")) {
      const name = target.slice(1);
      const direct = known(name) ?? this.#named.get(name);
      if (direct !== undefined) return direct;
      const [head = "", ...rest] = name.split(".");
      return known([this.#named.get(head) ?? head, ...rest].join("."));
    }
    if (target.startsWith(".")) return known(from + target);
    const parent = from.includes(".") ? from.slice(0, from.lastIndexOf(".")) : from;
    return known(`${parent}.${target}`);
  }

  #innerEvents(): ReadonlyMap<string, readonly string[]> {
    const inner = new Map<string, string[]>();
    for (const { from, to, kind, event } of this.#transitions) {
      if (from !== to || kind !== "event") continue;
      const events = inner.get(from) ?? [];
      if (!events.includes(event)) events.push(event);
      inner.set(from, events);
    }
    return inner;
  }
}

function kindOf({ type }: Loose, states: readonly ChartState[]): ChartState["kind"] {
  if (type === "parallel" || type === "final" || type === "history") return type;
  return states.length > 0 ? "compound" : "atomic";
}

function initialOf({ initial }: Loose): string {
  const name = isObject(initial) ? targetOf(initial) : textOf(initial);
  return name.slice(name.lastIndexOf(".") + 1);
}

function repeats(all: readonly unknown[], on: unknown): boolean {
  const said = new Set(entriesOf(on).map(([, value]) => JSON.stringify(value)));
  return said.has(JSON.stringify(all));
}

function targetOf(transition: unknown): string {
  if (typeof transition === "string") return transition;
  if (!isObject(transition)) return "";
  const { target } = transition;
  return textOf(Array.isArray(target) ? target[0] : target);
}

/** A guard or action by name; one that has parameters is an object with its name for a type. */
function nameOf(named: unknown): string {
  return (textOf(named) || (isObject(named) ? textOf(named.type) : "")).slice(0, NAME_CHARS);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, inspectPage.chartTextChars) : "";
}

function entriesOf(value: unknown): readonly [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}

function isObject(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Ids of the states that a snapshot's value names, with those around them. */
export function activeStates(machine: Machine, value: unknown): ReadonlySet<string> {
  const active = new Set<string>();
  const visit = (state: ChartState, below: unknown): void => {
    active.add(state.id);
    if (typeof below === "string") {
      const found = state.states.find(({ key }) => key === below);
      if (found) active.add(found.id);
      return;
    }
    for (const [key, deeper] of entriesOf(below)) {
      const found = state.states.find((child) => child.key === key);
      if (found) visit(found, deeper);
    }
  };
  visit(machine.root, value);
  return active;
}

/** A snapshot's value on one line: `pending`, or `status: RUNNING, hold: held`. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (!isObject(value)) return "";
  return Object.entries(value)
    .map(([key, below]) => (below === null || valueText(below) === "" ? key : `${key}: ${valueText(below)}`))
    .join(", ");
}
