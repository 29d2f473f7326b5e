import type { Fault } from "#domain/fault";
import { LOCAL_CALLER } from "#domain/caller";
import type { WorkerFrame } from "#domain/frame";
import { MAIN_STEP, type RunId, type TaskId, type WorkerId } from "#domain/id";
import type { LogEntry } from "#domain/log";
import type { StatusReport } from "#domain/report";
import type { TaskDraft, TaskSpec } from "#domain/task";
import { millis, NEVER } from "#domain/time";
import type { Hello, LeaseTerms } from "#domain/worker";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Plane, Receipt, WorkerLink } from "#ports/plane";
import type { Store } from "#ports/store";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { memoryStore } from "#stores/memory";
import { seededEntropy, settle, VirtualClock } from "#testing/virtual-time";

const TERMS: LeaseTerms = { lease: millis(30_000), heartbeat: millis(5_000), publicLease: millis(90_000) };

/** A whole plane on virtual time: everything but the doors. */
export interface BenchPlane {
  readonly plane: Plane;
  readonly supervisor: Supervisor;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly fatal: Error[];
  create(spec?: Partial<TaskSpec>, rest?: Partial<Omit<TaskDraft, "spec">>): Promise<Receipt>;
  tryCreate(spec?: Partial<TaskSpec>, rest?: Partial<Omit<TaskDraft, "spec">>): Promise<Receipt | Fault>;
  worker(id: string, options?: Partial<Hello> & { readonly agents?: readonly string[] }): BenchWorker;
  /** What a client sees: "STATE step=state run=STATUS/REASON …". */
  show(taskId: TaskId): Promise<string>;
  log(taskId: TaskId): Promise<readonly LogEntry[]>;
  settle(): Promise<void>;
}

export interface BenchWorker {
  readonly frames: WorkerFrame[];
  readonly closed: Fault[];
  readonly link: WorkerLink;
  /** Assignments not yet taken from `frames`. */
  assignments(): Extract<WorkerFrame, { type: "assign" }>[];
  report(runId: RunId, status: StatusReport["status"], rest?: Partial<StatusReport>): Promise<void>;
  output(runId: RunId, seq: number, content: string, rest?: { fence?: number }): Promise<void>;
  beat(held: readonly RunId[], lastOrdinal: number, capacity?: number): Promise<void>;
}

export async function startBench(
  store: Store = memoryStore(),
  { clock = new VirtualClock(1_000_000), mailbox }: { clock?: VirtualClock; mailbox?: number } = {},
): Promise<BenchPlane> {
  const entropy = seededEntropy(clock.now(), () => clock.now());
  const fatal: Error[] = [];
  const supervisor = new Supervisor({
    store,
    clock,
    entropy,
    telemetry: silentTelemetry(),
    terms: TERMS,
    ...(mailbox !== undefined && { mailbox }),
    onFatal: (error) => fatal.push(error),
  });
  await supervisor.start();
  const plane = openPlane(supervisor);

  const tryCreate: BenchPlane["tryCreate"] = async (spec = {}, rest = {}) => {
    const pending = plane.submit(LOCAL_CALLER, [draftOf(entropy.uuid() as TaskId, spec, rest)]);
    const [made] = await pending;
    return made as Receipt | Fault;
  };
  return {
    plane,
    supervisor,
    clock,
    store,
    fatal,
    tryCreate,
    create: async (spec, rest) => {
      const made = await tryCreate(spec, rest);
      if (made instanceof Error) throw made;
      return made;
    },
    worker: (id, options = {}) => workerOf(plane, id, options),
    show: (taskId) => show(store, taskId),
    log: async (taskId) => (await store.reads.log(taskId, 0, 1_000_000)).entries,
    settle,
  };
}

export function draftOf(id: TaskId, spec: Partial<TaskSpec>, rest: Partial<Omit<TaskDraft, "spec">> = {}): TaskDraft {
  return {
    id,
    namespace: "default",
    input: "{}",
    ...rest,
    spec: {
      agentName: "echo",
      priority: 0,
      timeoutMs: millis(0),
      maxAttempts: 1,
      labels: {},
      workerSelector: {},
      createdBy: "",
      correlationId: "",
      startAt: NEVER,
      retryOf: "",
      idempotencyKey: "",
      fingerprint: "",
      holdOnFailure: false,
      principal: "local",
      ...spec,
    },
  };
}

function workerOf(plane: Plane, id: string, options: Partial<Hello> & { agents?: readonly string[] }): BenchWorker {
  const frames: WorkerFrame[] = [];
  const closed: Fault[] = [];
  const link = plane.connect(LOCAL_CALLER, {
    send: (frame) => void frames.push(frame),
    close: (fault) => {
      closed.push(fault);
      link.closed();
    },
  });
  const agents = (options.agents ?? ["echo"]).map((name) => ({ name, description: "", labels: {}, backends: [] }));
  const workerId = id as WorkerId;
  const info = { workerId, hostname: "here", version: "1", agents, labels: {}, namespaces: [] };
  void link.receive({ type: "hello", info, protocol: 1, instance: `${id}-1`, capacity: 10, resume: [], ...options });
  let beat = 0;
  return {
    frames,
    closed,
    link,
    assignments: () => frames.splice(0).flatMap((frame) => (frame.type === "assign" ? [frame] : [])),
    report: (runId, status, rest = {}) =>
      link.receive({ type: "status", runId, status, errorMessage: "", backend: null, output: "", retryAfter: millis(0), ...rest }),
    output: (runId, seq, content, rest = {}) =>
      link.receive({ type: "output", runId, seq, content, isFinal: false, metadata: {}, sentAt: 0, ...rest }),
    beat: (runIds, lastOrdinal, capacity = 0) =>
      link.receive({
        type: "heartbeat",
        workerId,
        status: "IDLE",
        capacity,
        beat: ++beat,
        held: { runIds, lastOrdinal },
      }),
  };
}

async function show(store: Store, taskId: TaskId): Promise<string> {
  const detail = await store.reads.task(taskId);
  if (!detail) return "unknown";
  const { task, steps, runs } = detail;
  return [
    `${task.state}${task.reason && ` ${task.reason}`}`,
    ...steps.map(({ name, state, attempts }) => `${name === MAIN_STEP ? "" : `${name} `}${state} attempts=${attempts}`),
    ...runs.map(({ status, reason, heldBy }) => `run ${status}${reason && `/${reason}`}${heldBy && " held"}`),
  ].join(", ");
}

