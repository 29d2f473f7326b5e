import { defaultStaleTerms } from "#config/index";
import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { NodeId, RunId, StepKey, TaskId, WorkerId } from "#domain/id";
import { stepKey } from "#domain/id";
import type { NodeView } from "#domain/node";
import type { Pause, PauseScope } from "#domain/pause/pause";
import { NO_PAUSES, type PauseSet } from "#domain/pause/pause-set";
import {
  alreadyEnded,
  deadLetterNotFound,
  namespaceDenied,
  taskNotFound,
  workerNotFound,
} from "#domain/refusals";
import type { Budget } from "#domain/task/budget";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { LogEntry, LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import { stalenessOf } from "#domain/task/staleness";
import { type ResolveAction, type StepRow, stepSummary } from "#domain/task/step";
import { isTerminal, type TaskDraft, type TaskRow, type TaskState } from "#domain/task/task";
import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { instant, millis } from "#domain/time/time";
import type { AgentView, KnownAgent } from "#domain/worker/agent";
import type { WorkerAnswer } from "#domain/worker/refusal";
import type { WorkerView } from "#domain/worker/worker";
import { nodeClock } from "#host/clock";
import type {
  OwnNode,
  Plane,
  PlaneHealth,
  Receipt,
  WorkerLink,
  WorkerReport,
  WorkerSink,
} from "#ports/plane";
import type { Reads, TaskDetail, TaskFilter, TemplateFilter } from "#ports/store";
import type { TaskWait } from "#ports/task-wait";
import { Waiters } from "#runtime/watch/waiters";
import { MemoryDeadLetters } from "#stores/memory/dead-letters";
import { step as aStep, task as aTask } from "#testing/rows";

type LetterChange = Parameters<Plane["updateDeadLetter"]>[2];

const BORN = instant(1_700_000_000_000);

/** A plane of plain maps: it decides nothing, and remembers what the gateway told it. */
export class FakePlane implements Plane {
  ready = true;
  health: PlaneHealth = {};
  node: OwnNode | undefined;
  readonly terms = { lease: millis(30_000), heartbeat: millis(5_000), publicLease: millis(90_000) };
  readonly details = new Map<TaskId, TaskDetail>();
  readonly deadLetters = new Map<TaskId, DeadLetterRow>();
  readonly outputs = new Map<string, string>();
  readonly stepActions = new Map<string, string>();
  readonly runs = new Map<RunId, RunRow>();
  readonly templates = new Map<string, TemplateRow>();
  readonly logs = new Map<TaskId, readonly LogEntry[]>();
  readonly views: WorkerView[] = [];
  paused = NO_PAUSES;
  /** What workers have announced, by the agent's name; of others nothing is known but that they exist. */
  readonly known = new Map<string, KnownAgent | undefined>();
  readonly agentViews: AgentView[] = [];
  readonly drafts: TaskDraft[] = [];
  readonly reports: WorkerReport[] = [];
  readonly sinks: WorkerSink[] = [];
  readonly filters: TaskFilter[] = [];
  /** What was said about Tasks that wait or are held, in order. */
  readonly said: unknown[] = [];
  /** How many templates were read. */
  templatesRead = 0;
  closedLinks = 0;
  /** The first seq that every log still has. */
  earliest = 1;
  /** How many log slices were asked for. */
  slicesRead = 0;
  sliceEntries = 1;
  /** How many watch at the moment. */
  watchers = 0;
  inputsRead = 0;
  drainedLinks = 0;
  /** Those of the runtime: they need nothing of a plane but a clock. */
  readonly waiters = new Waiters(nodeClock());
  /** What the next submit answers with instead of a Task. */
  refusal: Fault | undefined;
  /** Called with each report; may throw, to stand for a plane that refuses it. */
  onReport: (report: WorkerReport, sink: WorkerSink) => void | Promise<void> = () => {};

  readonly reads: Reads = {
    task: async (id, namespaces = "*") => {
      const found = this.details.get(id);
      return namespaces === "*" || (found && namespaces.includes(found.task.namespace)) ? found : undefined;
    },
    tasks: async (filter, before, pageSize) => {
      this.filters.push(filter);
      const rows = [...this.details.values()]
        .map(({ task }) => task)
        .toSorted((a, b) => (a.id < b.id ? 1 : -1));
      const rest = rows.filter(({ id }) => before === undefined || id < before);
      const tasks = rest.slice(0, pageSize);
      return { tasks, next: rest.length > pageSize ? tasks.at(-1)?.id : undefined };
    },
    countReady: async (lanes) => lanes.length,
    countBefore: async () => 0,
    countHeld: async () => 0,
    queues: async () => [],
    lately: async () => ({ created: 0, ended: {}, isCut: false }),
    lastFailed: async () => [],
    run: async (id) => this.runs.get(id),
    template: async (ref) => {
      this.templatesRead++;
      return this.#versions({ namespaces: [ref.namespace], name: ref.name }).find(
        ({ version }) => ref.version === "" || version === ref.version,
      );
    },
    templates: async (filter, after, pageSize) => {
      const all = this.#versions(filter);
      const start = after ? all.findIndex((row) => templateKey(row) === templateKey(after)) + 1 : 0;
      const templates = all.slice(start, start + pageSize);
      return { templates, next: start + pageSize < all.length ? templates.at(-1) : undefined };
    },
    deadLetters: new MemoryDeadLetters({ singles: new Map([["deadLetters", this.deadLetters]]) }),
    input: async (id) => {
      this.inputsRead++;
      return this.details.get(id)?.input;
    },
    stepInput: async () => undefined,
    output: async (step) => this.outputs.get(stepKey(step)),
    journal: async () => [],
    usage: async () => [],
    stepActions: async (step) => this.stepActions.get(stepKey(step)),
    log: async (id, after) => ({ firstSeq: after + 1, entries: this.logs.get(id)?.slice(after) ?? [] }),
    logBounds: async (id) => {
      return this.details.has(id)
        ? { earliest: this.earliest, last: this.logs.get(id)?.length ?? 0 }
        : undefined;
    },
  };

  async submit(caller: Caller, drafts: readonly TaskDraft[]): Promise<readonly (Receipt | Fault)[]> {
    return drafts.map((draft) => {
      if (!mayUse(caller, draft.namespace)) return namespaceDenied(draft.namespace);
      if (this.refusal) return this.refusal;
      const task = this.#store(draft);
      const { state, hasRun, finishedAt, reason, errorMessage } = task;
      const made = { type: "task", at: BORN, state, hasRun, finishedAt, reason, errorMessage } as const;
      if (!this.logs.has(task.id)) this.logs.set(task.id, [made]);
      return this.#receipt(task);
    });
  }

  async cancel(caller: Caller, taskId: TaskId): Promise<Receipt> {
    const before = this.details.get(taskId)?.task;
    if (!before || !mayUse(caller, before.namespace)) throw taskNotFound(taskId);
    if (isTerminal(before.state)) throw alreadyEnded(before);
    return this.#receipt(this.finish(taskId, "cancelled"));
  }

  async updateDeadLetter(caller: Caller, taskId: TaskId, change: LetterChange): Promise<Receipt> {
    const found = this.details.get(taskId)?.task;
    if (!found || !this.deadLetters.has(taskId) || !mayUse(caller, found.namespace))
      throw deadLetterNotFound(taskId);
    this.said.push({ taskId, ...change });
    return this.#receipt(found);
  }

  async pause({ principal: by }: Caller, asked: Pick<Pause, "scope" | "reason" | "until">): Promise<Pause> {
    const made = { ...asked, by, at: BORN };
    this.paused = this.paused.with(made);
    return made;
  }

  async resume(_: Caller, scope: PauseScope): Promise<Pause | undefined> {
    const known = this.paused.get(scope);
    this.paused = this.paused.without(scope);
    return known;
  }

  pauses(): PauseSet {
    return this.paused;
  }

  async ownerOf({ principal }: Caller): Promise<string> {
    return principal;
  }

  async nodes(): Promise<readonly NodeView[]> {
    const said = { version: "0.1.0", hostname: "here", address: "127.0.0.1:50051" };
    const id = "n-1" as NodeId;
    return [
      { ...said, id, state: "live", startedAt: BORN, leaseUntil: BORN, takenBy: "", workers: 1, runs: 2 },
    ];
  }

  async signal(caller: Caller, taskId: TaskId, signal: string, payload: string): Promise<Receipt> {
    this.said.push({ taskId, signal, payload });
    return this.#receipt(this.#taskOf(caller, taskId));
  }

  async resolve(caller: Caller, taskId: TaskId, stepName: string, action: ResolveAction): Promise<Receipt> {
    this.said.push({ taskId, stepName, action });
    return this.#receipt(this.#taskOf(caller, taskId));
  }

  async topUp(caller: Caller, taskId: TaskId, add: Budget, reason?: string): Promise<Receipt> {
    this.said.push({ taskId, add, reason });
    return this.#receipt(this.#taskOf(caller, taskId));
  }

  async register(caller: Caller, template: Omit<TemplateRow, "registeredAt">): Promise<TemplateRow> {
    if (!mayUse(caller, template.namespace)) throw namespaceDenied(template.namespace);
    const known = this.templates.get(templateKey(template));
    if (known && known.digest !== template.digest) {
      throw new Fault("template_conflict", `template ${templateKey(template)} has another body`);
    }
    const row = known ?? { ...template, registeredAt: BORN };
    this.templates.set(templateKey(row), row);
    return row;
  }

  #taskOf(caller: Caller, taskId: TaskId): TaskRow {
    const task = this.details.get(taskId)?.task;
    if (!task || !mayUse(caller, task.namespace)) throw taskNotFound(taskId);
    return task;
  }

  #receipt(task: TaskRow): Receipt {
    return { task, steps: this.details.get(task.id)?.steps.map(stepSummary) ?? [], runs: [] };
  }

  /** In the order of lists. */
  #versions({ namespaces, name }: TemplateFilter): TemplateRow[] {
    const key = (ref: TemplateRef) => `${ref.namespace}/${ref.name}`;
    return [...this.templates.values()]
      .filter((row) => namespaces === "*" || namespaces.includes(row.namespace))
      .filter((row) => name === undefined || row.name === name)
      .toSorted((a, b) => (versionKey(a.version) < versionKey(b.version) ? 1 : -1))
      .toSorted((a, b) => Number(key(a) > key(b)) - Number(key(a) < key(b)));
  }

  async drainWorker(_: Caller, workerId: WorkerId): Promise<WorkerView> {
    const view = this.views.find(({ info }) => info.workerId === workerId);
    if (!view) throw workerNotFound(workerId);
    return { ...view, status: "DRAINING" };
  }

  async workers(): Promise<readonly WorkerView[]> {
    return this.views;
  }

  async *watch(_: Caller, taskId: TaskId, afterSeq: number, signal: AbortSignal): AsyncIterable<LogSlice> {
    const entries = this.logs.get(taskId) ?? [];
    if (afterSeq > entries.length)
      throw new Fault("cursor_ahead", `after_seq ${afterSeq} is ahead of ${entries.length}`);
    this.watchers++;
    try {
      for (let seq = afterSeq + 1; seq <= entries.length && !signal.aborted; seq += this.sliceEntries) {
        this.slicesRead++;
        yield { firstSeq: seq, entries: entries.slice(seq - 1, seq - 1 + this.sliceEntries) };
      }
      const last = entries.at(-1);
      if (last?.type === "task" && isTerminal(last.state)) return;
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve());
      });
    } finally {
      this.watchers--;
    }
  }

  wait(_: Caller, taskId: TaskId): TaskWait {
    return this.waiters.begin(taskId);
  }

  connect(_: Caller, sink: WorkerSink): WorkerLink {
    this.sinks.push(sink);
    return {
      receive: async (report) => {
        this.reports.push(report);
        await this.onReport(report, sink);
      },
      drained: () => {
        this.drainedLinks++;
      },
      closed: () => {
        this.closedLinks++;
      },
    };
  }

  agent(namespace: string, name: string): KnownAgent | undefined {
    return this.known.has(name) ? this.known.get(name) : { namespace, name, row: undefined, current: [] };
  }

  agentNames(): Iterable<string> {
    return [...this.known].flatMap(([name, known]) => (known ? [name] : []));
  }

  now() {
    return instant(BORN);
  }

  workerAnswers(): Promise<readonly WorkerAnswer[]> {
    return Promise.resolve([]);
  }

  async absences() {
    return new Map();
  }

  async staleness(detail: TaskDetail) {
    return stalenessOf(detail, defaultStaleTerms, this.now());
  }

  agents(): readonly AgentView[] {
    return this.agentViews;
  }

  finish(taskId: TaskId, state: TaskState, output = ""): TaskRow {
    const detail = this.details.get(taskId);
    if (!detail) throw new Fault("not_found", "whatever the plane says");
    const task = { ...detail.task, state, hasRun: true, finishedAt: instant(BORN + 5) };
    const outputBytes = Buffer.byteLength(output);
    const steps = detail.steps.map((step) => ({ ...step, outputBytes, state: "complete" as const }));
    this.details.set(taskId, { ...detail, task, steps });
    if (output) this.outputs.set(stepKey({ taskId, stepName: "main" } satisfies StepKey), output);
    this.waiters.ended({ task, rows: undefined });
    return task;
  }

  #store(draft: TaskDraft): TaskRow {
    this.drafts.push(draft);
    const { id, namespace, spec, input } = draft;
    const steps = draft.plan?.steps.map((planned) =>
      aStep(id, { ...planned, maxAttempts: planned.spec.maxAttempts, lane: "" }),
    ) ?? [mainStep(draft)];
    const task = aTask(id, { namespace, spec, createdAt: BORN, counts: { enqueued: steps.length } });
    this.details.set(id, { task, input, steps, runs: [] });
    return task;
  }
}

function mainStep({ id, spec }: TaskDraft): StepRow {
  return aStep(id, { agentName: spec.agentName, maxAttempts: spec.maxAttempts, lane: "" });
}

export function workerView(workerId: string, agentName = "support_triage"): WorkerView {
  return {
    info: {
      workerId: workerId as WorkerId,
      hostname: "here",
      version: "0.1.0",
      agents: [{ name: agentName, description: "", labels: {}, backends: [] }],
      labels: {},
      namespaces: [],
    },
    status: "IDLE",
    activeRuns: 0,
    capacity: 10,
    lastHeartbeatAt: BORN,
  };
}
