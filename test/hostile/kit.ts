/** What attacks are made of. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { silentTelemetry } from "#host/silent-telemetry";
import {
  type RunAssignment,
  RunClientMessageSchema,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { type CreateTaskRequestSchema, type Task, TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { type Agent, serve } from "#worker/index";
import { Rpc } from "../bench/rpc.js";
import { EVIL, type Target } from "./target.js";

type Wanted = Exclude<MessageInitShape<typeof CreateTaskRequestSchema>, { $typeName: string }>;
type Said = NonNullable<
  Exclude<MessageInitShape<typeof RunClientMessageSchema>, { $typeName: string }>["payload"]
>;

export const MIB = 1024 * 1024;
/** COMPLETED, FAILED and CANCELLED. */
const ENDED = [3, 4, 5];
/** Nobody waits longer for one call. */
const CALL_MS = 10_000;

/** What became of the templates and Tasks that were asked for; `why` is the first refusal. */
export const tally = { accepted: 0, refused: 0, why: "" };

async function counted<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    const answer = await call;
    tally.accepted += 1;
    return answer;
  } catch (error) {
    tally.refused += 1;
    tally.why ||= (error as Error).message.slice(0, 150);
    return undefined;
  }
}

/** A connection of its own to the gRPC listener. */
export function connect({ grpcPort, signal }: Target): Rpc {
  const rpc = new Rpc(`127.0.0.1:${grpcPort}`);
  signal.addEventListener("abort", () => rpc.close());
  return rpc;
}

/** Does it again and again, so many at a time, until the time is up or it has been done `most` times. */
export async function flood(
  { signal }: Pick<Target, "signal">,
  { lanes, most }: { readonly lanes: number; readonly most: number },
  once: (i: number) => unknown,
): Promise<void> {
  let begun = 0;
  const lane = async () => {
    while (!signal.aborted && begun < most) {
      begun += 1;
      await Promise.resolve(once(begun)).catch(() => {}); // refused: just what it should be
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Resolves when the time is up. */
export function untilTimeIsUp({ signal }: Target): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Registers a template of this name; its other parts are as in a file. @returns false if it was refused */
export async function register(rpc: Rpc, name: string, parts: object): Promise<boolean> {
  const source = JSON.stringify({ name, namespace_name: EVIL, version: "1.0.0", ...parts });
  return (await counted(rpc.unary(TemplateService.method.register, { source }, CALL_MS))) !== undefined;
}

/** A step of an agent, in the words of a template. */
export function step(name: string, callable: string, more: object = {}): object {
  return { name, handler: { callable }, ...more };
}

/** Creates a Task among the attacks' own. @returns its id, or undefined if it was refused */
export async function createTask(rpc: Rpc, wanted: Wanted): Promise<string | undefined> {
  const request = { namespace: EVIL, ...wanted };
  return (await counted(rpc.unary(TaskService.method.createTask, request, CALL_MS)))?.id;
}

/** Creates a Task of a template; see {@link createTask}. */
export function fromTemplate(rpc: Rpc, name: string, inputJson: string, more: Wanted = {}) {
  return createTask(rpc, { template: { namespace: EVIL, name, version: "" }, inputJson, ...more });
}

/** True if there is so much time that a Task which has not ended by then is stuck, even on a busy machine. */
export function isPatient({ seconds }: Target): boolean {
  return seconds >= 5;
}

/** The Task once it has ended; undefined if it has not when the time is up. */
export async function endOf(rpc: Rpc, { signal }: Target, id: string): Promise<Task | undefined> {
  while (!signal.aborted) {
    const task = await rpc.unary(TaskService.method.getTask, { id }, CALL_MS).catch(() => undefined);
    if (task && ENDED.includes(task.status)) return task;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}

/** A worker by the SDK, with agents that may do anything. */
export async function sdkWorker(
  { grpcPort, signal }: Target,
  agents: readonly Agent[],
  id: string,
): Promise<void> {
  const { log } = silentTelemetry();
  await new Promise<void>((onConnected) => {
    const options = { addr: `127.0.0.1:${grpcPort}`, namespaces: [EVIL], handleSignals: false, drainMs: 0 };
    void serve({ ...options, agents, id, maxRuns: 256, log, signal, onConnected: () => onConnected() });
  });
}

/** A worker made by hand, frame by frame. */
export interface RawWorker {
  readonly say: (payload: Said) => boolean;
  /** Resolves when what was said has left. */
  readonly drained: () => Promise<void>;
  /** Stops reading what the server says. */
  readonly pause: () => void;
  readonly close: () => void;
  /** Resolves when the stream has ended, whoever ended it. */
  readonly closed: Promise<void>;
}

export interface RawWorkerOptions {
  readonly id: string;
  readonly agent: string;
  readonly protocol?: 0 | 1;
  readonly capacity?: number;
  readonly instance?: string;
  readonly onAssigned?: (assignment: RunAssignment, worker: RawWorker) => void;
}

/** Says hello, and a heartbeat each second with what it holds; all else is its owner's to say. */
export function rawWorker(target: Target, options: RawWorkerOptions): RawWorker {
  const { id, agent, protocol = 1, capacity = 1_024, instance = "i", onAssigned } = options;
  const rpc = connect(target);
  const stream = rpc.bidi(RunService.method.streamConnect);
  const held: string[] = [];
  let beat = 0n;
  let lastOrdinal = 0n;
  const say = (payload: Said) => stream.write(create(RunClientMessageSchema, { payload }));
  const beating = setInterval(() => {
    beat += 1n;
    say({ case: "heartbeat", value: { workerId: id, beat, lastOrdinal, heldRunIds: held.slice(-1_024) } });
  }, 1_000);
  const worker: RawWorker = {
    say,
    drained: () => new Promise((resolve) => stream.once("drain", resolve).once("close", resolve)),
    pause: () => stream.pause(),
    close: () => {
      clearInterval(beating);
      stream.cancel();
      rpc.close();
    },
    closed: new Promise((resolve) => stream.once("status", () => resolve()).once("close", () => resolve())),
  };
  stream.on("error", () => clearInterval(beating));
  stream.on("data", ({ payload }: RunServerMessage) => {
    if (payload.case !== "assignRun") return;
    held.push(payload.value.runId);
    lastOrdinal = payload.value.ordinal;
    onAssigned?.(payload.value, worker);
  });
  target.signal.addEventListener("abort", () => worker.close());
  const info = { workerId: id, agents: [{ name: agent }], maxConcurrentRuns: capacity, namespaces: [EVIL] };
  say({ case: "hello", value: { info, protocol, instance } });
  return worker;
}
