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

/** A message for {@link play}: its time in milliseconds, its type, and its fields other than `type` and `at`. */
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
 * Runs a machine through a script of messages, alone, and returns a transcript: one line for each message, with its time,
 * the state it led to, and the commands the machine issued. `ignored` marks a message that the state does not handle.
 *
 * @param input the machine's input, as for `createActor`
 *
 * @example
 * ```ts
 * import { machines } from "taskrun/actors";
 * import { play } from "taskrun/testing";
 *
 * const transcript = play(machines.scheduler, undefined as never, [
 *   [0, "serve"],
 *   [5, "drain"],
 * ]);
 * console.log(transcript); // 0 ms serve serving …
 * ```
 */
export function play<Machine extends AnyStateMachine>(
  machine: Machine,
  input: InputFrom<Machine>,
  script: readonly AddressedMessage<Machine>[],
): string {
  const [snapshot, asked] = initialTransition(machine, input);
  return format([row(0, "", snapshot, asked), ...follow(machine, snapshot, script)]);
}

/**
 * Like {@link play}, from a given snapshot, for example one of `machine.resolveState(…)`.
 *
 * @example
 * ```ts
 * import { initialTransition } from "xstate";
 * import { machines } from "taskrun/actors";
 * import { playFrom } from "taskrun/testing";
 *
 * const [starting] = initialTransition(machines.scheduler, undefined as never);
 * console.log(playFrom(machines.scheduler, starting, [[0, "serve"]]));
 * ```
 */
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

/**
 * Formats a state value: `live.running`; parallel regions are separated by a space: `status.RUNNING hold.held`.
 *
 * @example
 * ```ts
 * import { stateText } from "taskrun/testing";
 *
 * console.log(stateText({ status: "RUNNING", hold: "held" })); // status.RUNNING hold.held
 * ```
 */
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

/** Longer texts in a transcript are cut. */
const TEXT_MAX = 60;
const DEPTH_MAX = 3;

/** Formats a message as `type(values)`, a row as its id, an error as `code: message`, anything else by its values. */
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
