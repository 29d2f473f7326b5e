import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
  initialTransition,
  type SnapshotFrom,
  type StateValue,
  transition,
} from "xstate";

/** At so many milliseconds the machine is told this; what the message holds beside `type` and `at` comes last. */
export type AddressedMessage<Machine extends AnyStateMachine> = readonly [
  atMs: number,
  type: EventFromLogic<Machine>["type"],
  fields?: Readonly<Record<string, unknown>>,
];

interface Row {
  readonly at: number;
  readonly message: string;
  readonly state: string;
  readonly asked: string;
}

/**
 * Feeds a script to a machine, alone, and writes down what an operator would want to read: when, what it
 * was told, where that led, and everything it asked for. `ignored` is a message this state does not listen
 * for: same snapshot, nothing asked.
 */
export function play<Machine extends AnyStateMachine>(
  machine: Machine,
  input: InputFrom<Machine>,
  script: readonly AddressedMessage<Machine>[],
): string {
  const [snapshot, asked] = initialTransition(machine, input);
  return format([row(0, "", snapshot, asked), ...follow(machine, snapshot, script)]);
}

/** The same from the middle of a life, e.g. from `machine.resolveState(…)`. */
export function playFrom<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: SnapshotFrom<Machine>,
  script: readonly AddressedMessage<Machine>[],
): string {
  return format([row(0, "", snapshot, []), ...follow(machine, snapshot, script)]);
}

function follow<Machine extends AnyStateMachine>(
  machine: Machine,
  first: SnapshotFrom<Machine>,
  script: readonly AddressedMessage<Machine>[],
): Row[] {
  let before = first;
  return script.map(([at, type, fields]) => {
    const [after, asked] = transition(machine, before, { ...fields, type, at } as EventFromLogic<Machine>);
    const ignored = after === before && asked.length === 0;
    before = after;
    return ignored ? { at, message: type, state: "ignored", asked: "" } : row(at, type, after, asked);
  });
}

interface Asked {
  readonly type: string;
  readonly params?: unknown;
}

function row(at: number, message: string, snapshot: AnyMachineSnapshot, asked: readonly Asked[]): Row {
  return { at, message, state: stateText(snapshot.value), asked: asked.map(askText).join(", ") };
}

/** `live.running`; for parallel regions `status.RUNNING hold.held`. */
export function stateText(value: StateValue): string {
  if (typeof value === "string") return value;
  return Object.entries(value)
    .map(([name, inner]) => {
      const text = inner === undefined ? "" : stateText(inner);
      return text === "" ? name : `${name}.${text}`;
    })
    .join(" ");
}

function askText({ type, params }: Asked): string {
  const values = params === undefined ? [] : Object.values(params as object);
  return `${type}(${values.map((value) => brief(value)).join(", ")})`;
}

/** Longer texts are cut: a transcript tells what was asked for, not all that it carries. */
const TEXT_MAX = 60;
const DEPTH_MAX = 3;

/** A message as `type(values)`, a row as its id, a Fault by its code, anything else by its values. */
function brief(value: unknown, depth = 0): string {
  if (value === "") return '""';
  if (typeof value !== "object" || value === null) return cut(String(value));
  if (depth === DEPTH_MAX) return "…";
  if (value instanceof Error) return cut(`${"code" in value ? value.code : value.name}: ${value.message}`);

  const inner = (values: readonly unknown[]) => values.map((one) => brief(one, depth + 1)).join(", ");
  if (Array.isArray(value)) return `[${inner(value)}]`;
  if ("type" in value) {
    const { type, ...rest } = value;
    return Object.keys(rest).length === 0 ? String(type) : `${type}(${inner(Object.values(rest))})`;
  }
  if ("id" in value && "revision" in value) return String(value.id);
  return `{${inner(Object.values(value))}}`;
}

function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
}

function format(rows: readonly Row[]): string {
  const widest = (cell: (row: Row) => string | number) =>
    Math.max(...rows.map((each) => String(cell(each)).length));
  const [times, messages] = [widest(({ at }) => at), widest(({ message }) => message)];
  const states = widest(({ state }) => state);

  const lines = rows.map(({ at, message, state, asked }) =>
    `${String(at).padStart(times)} ms ${message.padEnd(messages)} ${state.padEnd(states)}  ${asked}`.trimEnd(),
  );
  return `\n${lines.join("\n")}\n`;
}
