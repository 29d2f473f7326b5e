import type { AddressedMessage } from "#actors/commands";
import type { RunReport } from "#actors/run-tracker/messages";
import { type RunId, stepKey } from "#domain/id";
import type { Json } from "#domain/json/json";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskDraft } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import { type Instant, instant, millis } from "#domain/time/time";
import type { Deadline } from "#ports/store";
import { s1 } from "./rows.js";
import { type Came, NOTHING, type Rows, titleOf, type World } from "./world.js";

/** A worker's last word about a Run. */
export type Word =
  | { readonly ok: Json }
  | { readonly fails: string; readonly forGood?: boolean }
  | { readonly yields: Json }
  | { readonly declines: string }
  /** It is never heard of again. */
  | { readonly lost: true };

/** What happens around one Task; in which order is what is searched. */
export interface Story {
  readonly draft: TaskDraft;
  readonly templates?: readonly TemplateRow[];
  /** The last word about a Step's Run; `fence` counts the Step's Runs from 1. */
  readonly word: (step: StepRow, fence: number, rows: Rows) => Word;
  /** Each may come at any time, once. */
  readonly outside?: Readonly<Record<string, AddressedMessage>>;
  /** Every last word is said twice. */
  readonly repeats?: boolean;
  /** A worker says that it has begun before it says anything else, or does not come to it. */
  readonly begins?: boolean;
}

export interface Situation {
  readonly rows: Rows;
  readonly now: Instant;
  /** The names of the events so far, sorted. */
  readonly past: readonly string[];
  /** Every deadline that was ever set, by name: it may pass late, when it is long done with. */
  readonly alarms: ReadonlyMap<string, Deadline>;
}

export interface Event {
  readonly name: string;
  /** Not before this moment. */
  readonly due?: Instant;
  readonly happen: (world: World, rows: Rows, at: Instant) => ReturnType<World["tell"]>;
  /** The Run whose result this brings. */
  readonly brings?: { readonly runId: RunId; readonly output: string };
  /** It has happened before. */
  readonly repeated?: true;
}

/** The story's Task has just been made. */
export async function beginningOf({ draft }: Story, world: World): Promise<Situation> {
  const now = instant(1_000);
  const { rows, set } = await world.submit(NOTHING, now, draft);
  return { rows, now, past: [], alarms: noted(new Map(), set) };
}

/** What an event makes of a situation. */
export async function happen(
  event: Event,
  here: Situation,
  world: World,
): Promise<Situation & { came: Came }> {
  const now = Math.max(here.now, event.due ?? 0) as Instant;
  const came = await event.happen(world, here.rows, now);
  const past = [...here.past, event.name].sort();
  return { rows: came.rows, now, past, alarms: noted(here.alarms, came.set), came };
}

/** All that may happen next. */
export function eventsOf(story: Story, { rows, past, alarms }: Situation): Event[] {
  const { word, outside = {}, repeats = false, begins = false } = story;
  const events: Event[] = [];
  for (const step of rows.steps.values()) {
    if (step.state !== "enqueued") continue;
    const key = { taskId: step.taskId, stepName: step.name };
    const runId = `${titleOf(key)}#${step.fence + 1}` as RunId;
    events.push({ name: `start ${runId}`, happen: (world, now, at) => world.start(now, key, runId, at) });
  }
  for (const run of rows.runs.values()) {
    const step = rows.steps.get(stepKey(run));
    const says = step && word(step, run.fence, rows);
    if (!says) continue;
    if (begins && run.status === "ASSIGNED") events.push(firstWord(run));
    if (run.heldBy !== "") events.push(lastWord(run, says, `end ${run.id}`));
    else if (repeats) events.push({ ...lastWord(run, says, `again ${run.id}`), repeated: true });
  }
  for (const [name, { at: due, ...key }] of alarms) {
    const message = { type: "deadline.passed", ...key, due } as const;
    events.push({ name, due, happen: (world, now, at) => world.finalizer(now, message, at) });
  }
  for (const [name, addressed] of Object.entries(outside)) {
    events.push({ name, happen: (world, now, at) => world.tell(now, addressed, at) });
  }
  return events.filter(({ name }) => !past.includes(name));
}

function firstWord({ id: runId, fence }: RunRow): Event {
  const report = { ...QUIET, type: "status", runId, fence, status: "RUNNING" } as const;
  const addressed: AddressedMessage = {
    to: "run-tracker",
    message: { type: "report", session: s1, bytes: 0, report },
  };
  return { name: `begin ${runId}`, happen: (world, rows, at) => world.tell(rows, addressed, at) };
}

const QUIET = { backend: null, errorMessage: "", output: "", retryAfter: millis(0) } as const;

function lastWord(run: RunRow, word: Word, name: string): Event {
  const addressed: AddressedMessage = { to: "run-tracker", message: messageOf(run, word) };
  const output = "ok" in word ? JSON.stringify(word.ok) : undefined;
  return {
    name,
    happen: (world, rows, at) => world.tell(rows, "lost" in word ? forgotten(rows, run) : addressed, at),
    ...(output !== undefined && { brings: { runId: run.id, output } }),
  };
}

function messageOf({ id: runId, fence }: RunRow, word: Word): RunReport {
  const status = { ...QUIET, type: "status", runId, fence } as const;
  const said = (report: RunReport["report"]): RunReport => ({
    type: "report",
    session: s1,
    bytes: 0,
    report,
  });
  if ("ok" in word) {
    return said({ ...status, status: "COMPLETED", output: JSON.stringify(word.ok) });
  }
  if ("fails" in word) {
    const { fails: errorMessage, forGood = false } = word;
    return said({ ...status, status: "FAILED", errorMessage, retryable: !forGood });
  }
  if ("yields" in word) {
    return said({ type: "yield", runId, fence, cursor: JSON.stringify(word.yields), output: "" });
  }
  return said({ type: "decline", runId, reason: "declines" in word ? word.declines : "" });
}

/** The worker is there, but has the Run no more. */
function forgotten(rows: Rows, lost: RunRow): AddressedMessage {
  const held = [...rows.runs.values()].filter(({ id, heldBy }) => heldBy === s1 && id !== lost.id);
  const message = {
    type: "held",
    session: s1,
    held: { runIds: held.map(({ id }) => id), lastOrdinal: Number.MAX_SAFE_INTEGER },
  } as const;
  return { to: "run-tracker", message };
}

/** Each setting of a deadline is an event of its own. */
function noted(alarms: Situation["alarms"], set: readonly Deadline[]): Situation["alarms"] {
  if (set.length === 0) return alarms;
  const next = new Map(alarms);
  for (const deadline of set) {
    const { taskId, stepName, kind } = deadline;
    const title = `${kind} ${stepName === "" ? taskId : titleOf({ taskId, stepName })}`;
    let count = 1;
    while (next.has(`${title}#${count}`)) count += 1;
    next.set(`${title}#${count}`, deadline);
  }
  return next;
}
