import type { TaskId } from "../id.js";
import { earliest, type Instant, NEVER } from "../time/time.js";
import type { OpenEntry, StepJournal } from "./journal.js";

/** What the agent of a Step waits for without a Run. */
export interface Suspension {
  /** Of what it has begun to wait for first. */
  readonly cause: "SIGNAL" | "TIMER" | "CHILD_TASK";
  /** For people: all of it. */
  readonly detail: string;
  /** When it ends by itself at the latest; {@link NEVER} if nobody knows. */
  readonly until: Instant;
  /** The names of the signals, and the child Tasks, in the order in which it has begun to wait for them. */
  readonly signals: readonly string[];
  readonly children: readonly TaskId[];
}

/** How many of the things it waits for are told by name. */
const TOLD = 3;

/** What a Step's agent waits for; undefined unless its Run was suspended, and it waits still. */
export function suspensionOf({
  journal,
  waits,
}: {
  readonly journal?: StepJournal | undefined;
  readonly waits?: readonly number[] | undefined;
}): Suspension | undefined {
  if (!journal || !waits) return undefined;
  const wanted = new Set(waits);
  const open = journal.open.filter(({ entry }) => wanted.has(entry));
  const [first] = open;
  if (!first) return undefined;
  return {
    cause: causeOf(first),
    detail: detailOf(open),
    until: open.map(({ until }) => until).reduce(earliest) ?? NEVER,
    signals: open.flatMap(({ kind, name }) => (kind === "SIGNAL" ? [name] : [])),
    children: open.flatMap(({ childId }) => childId ?? []),
  };
}

function causeOf({ kind }: OpenEntry): Suspension["cause"] {
  if (kind === "SIGNAL") return "SIGNAL";
  return kind === "CHILD" ? "CHILD_TASK" : "TIMER";
}

function detailOf(open: readonly OpenEntry[]): string {
  const told = open.slice(0, TOLD).map(({ kind, name, childId }) => {
    if (kind === "SIGNAL") return `its agent waits for signal "${name}"`;
    return kind === "CHILD" ? `its agent waits for task ${childId ?? "to be made"}` : "its agent sleeps";
  });
  const more = open.length - told.length;
  return `${told.join(", or ")}${more > 0 ? `, or ${more} more` : ""}`;
}
