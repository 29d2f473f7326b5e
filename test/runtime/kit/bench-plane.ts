import { afterEach, expect } from "vitest";
import { defaultStaleTerms } from "#config/index";
import { LOCAL_CALLER } from "#domain/caller";
import type { Fault } from "#domain/fault";
import { MAIN_STEP, type TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import type { TaskDraft, TaskSpec } from "#domain/task/task";
import { millis } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";
import type { Inspection } from "#ports/inspection";
import type { Plane, Receipt } from "#ports/plane";
import type { Store } from "#ports/store";
import type { CounterName } from "#ports/telemetry";
import { openPlane } from "#runtime/plane";
import { Supervisor, type SupervisorParts } from "#runtime/supervisor";
import { memoryStore } from "#stores/memory/index";
import { spec as specOf } from "#testing/rows";
import { seededEntropy, settle, VirtualClock } from "#testing/virtual-time";
import { auditStore } from "./audit-task.js";
import { type BenchWorker, type BenchWorkerOptions, workerOf } from "./bench-worker.js";
import { countingTelemetry } from "./counting-telemetry.js";
import { type Life, mortalClock, mortalStore } from "./mortal.js";
import { SchemaDouble } from "./schema-double.js";

export const TERMS: LeaseTerms = {
  lease: millis(30_000),
  heartbeat: millis(5_000),
  publicLease: millis(90_000),
};
/** When the plane stops waiting for a worker of ours: later than the worker stops by itself. */
export const LEASE_OF_OURS = 32_000;

/** A whole plane on virtual time: everything but the gateway. */
export interface BenchPlane {
  readonly plane: Plane;
  readonly supervisor: Supervisor;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly fatal: Error[];
  /** Takes what the plane has logged as errors. What no test takes fails it: nothing may go wrong unseen. */
  errors(): string[];
  readonly schemas: SchemaDouble;
  create(spec?: Partial<TaskSpec>, rest?: Partial<Omit<TaskDraft, "spec">>): Promise<Receipt>;
  tryCreate(spec?: Partial<TaskSpec>, rest?: Partial<Omit<TaskDraft, "spec">>): Promise<Receipt | Fault>;
  cancel(taskId: TaskId, message?: string): Promise<Receipt>;
  worker(id: string, options?: BenchWorkerOptions): BenchWorker;
  /** What a client sees: "STATE step=state run=STATUS/REASON …". */
  show(taskId: TaskId): Promise<string>;
  log(taskId: TaskId): Promise<readonly LogEntry[]>;
  /** How often a counter was raised, with these labels if any are given. */
  counted(name: CounterName, labels?: Readonly<Record<string, string>>): number;
  /** Time goes by while these workers keep sending heartbeats. */
  pass(ms: number, ...alive: readonly BenchWorker[]): Promise<void>;
  /** The process is killed, now; nothing of it happens any more. */
  kill(): void;
  /** The process stands still, as by SIGSTOP, until the returned function is called. */
  pause(): () => void;
  settle(): Promise<void>;
}

/** The stores of the benches that the test has started, and the errors their planes have logged. */
const stores = new Set<Store>();
const logs = new Set<string[]>();

/** Whatever a test is about: where it ends, all that is counted is what it stands for. */
afterEach(async () => {
  const all = [...stores];
  stores.clear();
  for (const store of all) expect(await auditStore(store)).toEqual([]);
  const errors = [...logs].flat();
  logs.clear();
  expect(errors).toEqual([]);
});

export interface BenchOptions {
  readonly clock?: VirtualClock;
  readonly mailbox?: number;
  /** Draws of chance; by default the seeded ones. */
  readonly draw?: () => number;
  readonly seed?: number;
  /** An operator says that the wall clock is right. */
  readonly acceptClock?: boolean;
  /** Who is told what turns decide. */
  readonly inspection?: Inspection;
  /** False if whoever starts it audits its store, sooner than at the end of the test. */
  readonly audit?: boolean;
  /** The clock that the plane sees. Default: `clock` itself. */
  readonly nodeClock?: StartableClock;
  /** What is audited where the test ends. Default: the store. */
  readonly audited?: Store;
  /** What the plane keeps in front of its store, within its process. */
  readonly cache?: (store: Store) => Store;
  /** More parts of the supervisor. */
  readonly parts?: Partial<SupervisorParts>;
}

export async function startBench(
  store: Store = memoryStore(),
  {
    clock = new VirtualClock(1_000_000),
    mailbox,
    draw,
    seed = 1,
    audit = true,
    acceptClock = false,
    inspection,
    nodeClock = clock,
    audited = store,
    cache = (each) => each,
    parts = {},
  }: BenchOptions = {},
): Promise<BenchPlane> {
  const seeded = seededEntropy(seed + clock.now(), () => nodeClock.now());
  const entropy: Entropy = draw ? { uuid: seeded.uuid, draw } : seeded;
  const fatal: Error[] = [];
  const counting = countingTelemetry();
  const life: Life = { alive: true };
  const mortal = mortalClock(nodeClock, life);
  const schemas = new SchemaDouble(mortal);
  const supervisor = new Supervisor({
    store: cache(mortalStore(store, life)),
    clock: mortal,
    entropy,
    telemetry: counting.telemetry,
    schemas,
    terms: TERMS,
    acceptClock,
    ...(mailbox !== undefined && { mailbox }),
    ...(inspection && { inspection }),
    ...parts,
    onFatal: (error) => fatal.push(error),
  });
  await supervisor.start();
  if (audit) stores.add(audited);
  logs.add(counting.errors);
  const plane = openPlane(supervisor, defaultStaleTerms);

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
    errors: () => counting.errors.splice(0),
    schemas,
    tryCreate,
    create: async (spec, rest) => {
      const made = await tryCreate(spec, rest);
      if (made instanceof Error) throw made;
      return made;
    },
    cancel: (taskId, message = "not needed") => plane.cancel(LOCAL_CALLER, taskId, message),
    worker: (id, options = {}) => workerOf(plane, id, options),
    show: (taskId) => show(audited, taskId),
    log: async (taskId) => (await audited.reads.log(taskId, 0, 1_000_000)).entries,
    counted: counting.counted,
    pass: async (ms, ...alive) => {
      for (let left = ms; left > 0; left -= TERMS.heartbeat) {
        await clock.advance(Math.min(left, TERMS.heartbeat));
        await Promise.all(alive.map((worker) => worker.alive()));
        await settle();
      }
    },
    kill: () => {
      life.alive = false;
    },
    pause: () => {
      let goOn = () => {};
      life.awake = new Promise((resolve) => {
        goOn = () => {
          life.awake = undefined;
          resolve();
        };
      });
      return () => goOn();
    },
    settle,
  };
}

export function draftOf(
  id: TaskId,
  spec: Partial<TaskSpec>,
  rest: Partial<Omit<TaskDraft, "spec">> = {},
): TaskDraft {
  return {
    id,
    namespace: "default",
    input: "{}",
    ...rest,
    spec: specOf(spec),
  };
}

async function show(store: Store, taskId: TaskId): Promise<string> {
  const detail = await store.reads.task(taskId);
  if (!detail) return "unknown";
  const { task, steps, runs } = detail;
  return [
    `${task.state}${task.reason && ` ${task.reason}`}`,
    ...steps.map(
      ({ name, state, attempts }) => `${name === MAIN_STEP ? "" : `${name} `}${state} attempts=${attempts}`,
    ),
    ...runs.map(({ status, reason, heldBy }) => `run ${status}${reason && `/${reason}`}${heldBy && " held"}`),
  ].join(", ");
}
