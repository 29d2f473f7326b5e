import type { AddressedMessage, Answer } from "#actors/commands";
import type { SchedulerMessage } from "#actors/scheduler/messages";
import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { Plans } from "#domain/graph/plans";
import type { RunId, StepKey, TaskId } from "#domain/id";
import { MAIN_STEP, stepKey } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { isOver, type RunRow } from "#domain/task/run";
import { hasEnded, type StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import { FITS } from "#domain/template/verdict";
import { type Instant, millis, NEVER } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Commit, Deadline, Loaded, Needs, Store } from "#ports/store";
import { Actors } from "#runtime/machines/actors";
import { Journal } from "#runtime/memory/journal";
import { Memory } from "#runtime/memory/memory";
import { Workspace } from "#runtime/memory/workspace";
import { Leases } from "#runtime/timers/leases";
import { MessageCascade } from "#runtime/turn/message-cascade";
import { RowLoader } from "#runtime/turn/row-loader";
import { Verdicts } from "#runtime/turn/verdicts";
import { TurnView } from "#runtime/turn/view";
import { loaded } from "#testing/rows";
import { caller, s1, session } from "./rows.js";

/** Everything a store would hold. Never changed: each message makes another. */
export interface Rows {
  readonly tasks: ReadonlyMap<TaskId, TaskRow>;
  readonly steps: ReadonlyMap<string, StepRow>;
  readonly runs: ReadonlyMap<RunId, RunRow>;
  readonly inputs: ReadonlyMap<TaskId, string>;
  readonly stepInputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
  readonly deadlines: ReadonlyMap<string, Deadline>;
  readonly log: ReadonlyMap<TaskId, readonly LogEntry[]>;
}

export const NOTHING: Rows = {
  tasks: new Map(),
  steps: new Map(),
  runs: new Map(),
  inputs: new Map(),
  stepInputs: new Map(),
  outputs: new Map(),
  deadlines: new Map(),
  log: new Map(),
};

/** What one message has come to. */
export interface Came {
  readonly rows: Rows;
  readonly answer: Answer | undefined;
  /** The Runs that would be handed to a worker. */
  readonly assigned: readonly RunId[];
  /** The deadlines that were set, those set again included. */
  readonly set: readonly Deadline[];
}

const terms = { lease: millis(30_000), heartbeat: millis(5_000), publicLease: millis(90_000) };
/** A worker with room for all that a story can have. */
const worker = session({ capacity: 1_000 });

/**
 * The plane less its ports: rows in, one message, rows out. It is the runtime's own units that carry out
 * what the machines ask for, and they see just the rows that they ask for, as from a store.
 */
export class World {
  readonly #actors = new Actors();
  readonly #plans = new Plans();
  readonly #templates: readonly TemplateRow[];

  constructor(templates: readonly TemplateRow[] = []) {
    this.#templates = templates;
    this.#actors.live({ type: "serve" });
  }

  submit(rows: Rows, at: Instant, ...drafts: readonly TaskDraft[]): Promise<Came> {
    return this.tell(rows, { to: "task-request", message: { type: "submit", caller, drafts } }, at);
  }

  finalizer(rows: Rows, message: TaskFinalizerMessage, at: Instant): Promise<Came> {
    return this.tell(rows, { to: "task-finalizer", message }, at);
  }

  /** Gives a ready Step to the worker. */
  start(rows: Rows, key: StepKey, runId: RunId, at: Instant): Promise<Came> {
    const message: SchedulerMessage = {
      type: "weigh",
      placements: [{ ...key, session: s1, runId, namespace: "default" }],
    };
    return this.tell(rows, { to: "scheduler", message }, at);
  }

  async tell(rows: Rows, addressed: AddressedMessage, at: Instant): Promise<Came> {
    const journal = new Journal();
    const work = new Workspace(journal);
    const store = { load: (needs: Needs) => Promise.resolve(this.#load(rows, needs)) } as unknown as Store;
    const loader = new RowLoader(store, work);
    let made = Math.max(rows.tasks.size, 1); // the first is a client's
    const memory = memoryOf(rows, journal);
    const view = new TurnView({
      work,
      memory,
      leases: new Leases(),
      plans: this.#plans,
      verdicts: new Verdicts({ known: () => FITS, judge: async () => FITS, close: async () => {} }),
      offer: { workers: [{ session: worker, held: 0, lastOrdinal: 0, unsent: 0 }], free: 1, runIds: [] },
      newTaskId: () => {
        made += 1;
        return `t${made}` as TaskId;
      },
    });
    const context = { work, memory, view };
    const loadMissing = (needs: Needs) => loader.loadMissing(needs);
    const core = { terms, telemetry: silentTelemetry() };
    const cascade = new MessageCascade({
      core,
      context,
      actors: this.#actors,
      journal,
      at,
      draw: () => 0.5,
      loadMissing: loadMissing,
      recorder: undefined,
    });
    await cascade.decide(addressed);

    const commit = work.commit(at, "");
    const assigned = work.effects.flatMap((effect) =>
      effect.type === "send" && effect.params.frame.type === "assign" ? [effect.params.frame.runId] : [],
    );
    const set = work.deadlines.filter((deadline) => deadline.at !== NEVER);
    return { rows: commit ? after(rows, commit) : rows, answer: cascade.answer, assigned, set };
  }

  /** As a store answers: what is asked for, and not a row more. */
  #load(rows: Rows, needs: Needs): Loaded {
    const { graphs = [], wholeTasks = [], steps = [], runs = [], inputs = [] } = needs;
    const { stepInputs = [], outputs = [], templates = [], keys = [] } = needs;
    const heldRuns = runs.flatMap((id) => rows.runs.get(id) ?? []);
    const keyed = keys.flatMap(({ key }) =>
      [...rows.tasks.values()].filter(({ spec, ownsKey }) => ownsKey && spec.idempotencyKey === key),
    );
    const stepKeys = [...steps, ...heldRuns];
    const taskIds = new Set([
      ...[...graphs, ...wholeTasks],
      ...stepKeys.map(({ taskId }) => taskId),
      ...keyed.map(({ id }) => id),
    ]);
    const of = (ids: readonly TaskId[]) =>
      [...rows.steps.values()].filter(({ taskId }) => ids.includes(taskId));
    const foundSteps = new Set([
      ...of(graphs),
      ...of(wholeTasks).filter(({ state }) => !hasEnded(state)),
      ...stepKeys.flatMap((key) => rows.steps.get(stepKey(key)) ?? []),
    ]);
    const liveRuns = [...rows.runs.values()].filter(
      ({ taskId, status, heldBy }) => wholeTasks.includes(taskId) && (!isOver(status) || heldBy !== ""),
    );
    return loaded({
      tasks: [...taskIds].flatMap((id) => rows.tasks.get(id) ?? []),
      steps: [...foundSteps],
      runs: [...new Set([...heldRuns, ...liveRuns])],
      inputs: pick(rows.inputs, inputs),
      stepInputs: pick(rows.stepInputs, stepInputs.map(stepKey)),
      outputs: pick(rows.outputs, outputs.map(stepKey)),
      templates: this.#templates.filter(({ name }) => templates.some((ref) => ref.name === name)),
    });
  }
}

function pick<Key>(from: ReadonlyMap<Key, string>, keys: readonly Key[]): Map<Key, string> {
  return new Map(
    keys.flatMap((key): [Key, string][] => {
      const text = from.get(key);
      return text === undefined ? [] : [[key, text]];
    }),
  );
}

/** What a plane would have in memory for these rows. */
function memoryOf(rows: Rows, journal: Journal): Memory {
  const memory = new Memory();
  memory.roster.attach(worker, journal);
  for (const run of rows.runs.values()) memory.followRun(undefined, run, journal);
  for (const task of rows.tasks.values()) memory.followTask(undefined, task, journal);
  for (const step of rows.steps.values()) {
    const task = rows.tasks.get(step.taskId);
    if (task) memory.followStep(undefined, step, task, journal);
  }
  return memory;
}

function after(rows: Rows, commit: Commit): Rows {
  const text = (list: readonly (StepKey & { readonly json: string })[]) =>
    list.map((one): [string, string] => [stepKey(one), one.json]);
  const deadlines = new Map(rows.deadlines);
  for (const deadline of commit.deadlines) {
    const key = `${stepKey(deadline)} ${deadline.kind}`;
    if (deadline.at === NEVER) deadlines.delete(key);
    else deadlines.set(key, deadline);
  }
  const log = new Map(rows.log);
  for (const { taskId, entries } of commit.log) log.set(taskId, [...(log.get(taskId) ?? []), ...entries]);

  return {
    tasks: new Map([...rows.tasks, ...commit.tasks.map((row): [TaskId, TaskRow] => [row.id, row])]),
    steps: new Map([...rows.steps, ...commit.steps.map((row): [string, StepRow] => [keyOf(row), row])]),
    runs: new Map([...rows.runs, ...commit.runs.map((row): [RunId, RunRow] => [row.id, row])]),
    inputs: new Map([
      ...rows.inputs,
      ...commit.inputs.map(({ taskId, json }): [TaskId, string] => [taskId, json]),
    ]),
    stepInputs: new Map([...rows.stepInputs, ...text(commit.stepInputs)]),
    outputs: new Map([...rows.outputs, ...text(commit.outputs)]),
    deadlines,
    log,
  };
}

export function keyOf({ taskId, name: stepName }: Pick<StepRow, "taskId" | "name">): string {
  return stepKey({ taskId, stepName });
}

/** A Step as a story names it: without its Task if that is the first one. */
export function titleOf({
  taskId,
  stepName = MAIN_STEP,
}: Partial<StepKey> & { readonly taskId: TaskId }): string {
  return taskId === "t1" ? stepName : `${taskId}/${stepName}`;
}
