/** A plane in virtual time with a gateway in this process, and clients of both protocols. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { type ControlPlane, startControlPlane } from "#control-plane";
import type { Caller } from "#domain/caller";
import { type Gateway as Gate, type GatewaySettings, openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import type { Store } from "#ports/store";
import type { Telemetry } from "#ports/telemetry";
import { memoryStore } from "#stores/memory/index";
import { seededEntropy, settle, VirtualClock } from "#testing/virtual-time";
import { BadRequestSchema } from "#wire/gen/google/rpc/error_details_pb";
import {
  Gateway,
  Scheduler,
  type TaskAssignment,
  type TaskProgress,
  TaskSpecSchema,
  TaskStatus,
  Worker,
  type WorkerResponse,
  WorkerResponseSchema,
} from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { RunStatus, TaskStatus as TaskrunStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  RunClientMessageSchema,
  type RunServerMessage,
  RunService,
} from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";

/** Whoever sends `x-who` may use the namespace of that name, and nothing else. */
export const as = (who: string) => ({ headers: { "x-who": who } });

function callerOf(who: string | undefined): Caller {
  return who === undefined
    ? { principal: "local", namespaces: "*", roles: ["admin"] }
    : { principal: `key:${who}`, namespaces: [who], roles: ["admin"] };
}

export interface World {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly gate: Gate;
  readonly counted: string[];
  readonly clients: {
    readonly gateway: Client<typeof Gateway>;
    readonly worker: Client<typeof Worker>;
    readonly tasks: Client<typeof TaskService>;
    readonly workers: Client<typeof WorkerService>;
  };
  /** Lets so many milliseconds pass. */
  pass(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export async function openWorld(
  settings: Partial<GatewaySettings> = {},
  store = memoryStore(),
): Promise<World> {
  const clock = new VirtualClock(1_000_000_500);
  const entropy = seededEntropy(1, () => clock.now());
  const control: ControlPlane = await startControlPlane({ store, clock, entropy });
  const counted: string[] = [];
  const telemetry: Telemetry = {
    ...control.telemetry,
    count: (name, labels) => {
      if (name === "taskrun_reports_refused_total") counted.push(labels?.cause ?? "");
    },
  };
  const gate = await openGateway({
    ...{ plane: control.plane, entropy, telemetry, schemas: jsonSchemas(), environment: "test", grpc: [] },
    facts: { version: "1.2.3", store: "memory", storeConnections: 0 },
    identify: ({ header }) => callerOf(header("x-who")),
    ...settings,
  });
  const { transport } = gate;
  return {
    clock,
    store,
    gate,
    counted,
    clients: {
      gateway: createClient(Gateway, transport),
      worker: createClient(Worker, transport),
      tasks: createClient(TaskService, transport),
      workers: createClient(WorkerService, transport),
    },
    pass: (ms) => clock.advance(ms).then(settle),
    async stop() {
      await gate.close(1_000);
      await control.stop();
    },
  };
}

/** A stream of messages in both directions, one at a time. */
export class Talk<Said, Heard> {
  readonly heard: Heard[] = [];
  /** Why it has ended, once it has; empty if it was ended well. */
  failure: ConnectError | "" | undefined;
  readonly #waiting: Said[] = [];
  #wake: () => void = () => {};
  #closed = false;

  constructor(open: (messages: AsyncIterable<Said>) => AsyncIterable<Heard>) {
    void this.#listen(open(this.#messages()));
  }

  async say(...messages: Said[]): Promise<void> {
    this.#waiting.push(...messages);
    this.#wake();
    await settle();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await settle();
  }

  async *#messages(): AsyncGenerator<Said, void> {
    while (true) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#closed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  async #listen(answers: AsyncIterable<Heard>): Promise<void> {
    try {
      for await (const answer of answers) this.heard.push(answer);
      this.failure = "";
    } catch (error) {
      this.failure = ConnectError.from(error);
    }
  }
}

type ClientPayload = NonNullable<
  Exclude<MessageInitShape<typeof RunClientMessageSchema>, { $typeName: string }>["payload"]
>;

type Words = NonNullable<
  Exclude<MessageInitShape<typeof WorkerResponseSchema>, { $typeName: string }>["message"]
>;

/** A worker that knows only orchestrator.v1. */
export class SlotWorkerDouble {
  readonly #talk: Talk<WorkerResponse, TaskAssignment>;
  readonly #workerId: string;

  constructor({ gate }: World, workerId = "w-slots", who?: string) {
    const { registerWorker } = createClient(Scheduler, gate.transport);
    this.#workerId = workerId;
    this.#talk = new Talk((messages) => registerWorker(messages, who === undefined ? {} : as(who)));
  }

  say(...words: Words[]): Promise<void> {
    return this.#talk.say(...words.map((message) => create(WorkerResponseSchema, { message })));
  }

  /** A heartbeat. */
  beat(availableSlots: number): Promise<void> {
    const { workerId } = { workerId: this.#workerId };
    return this.say({
      case: "heartbeat",
      value: { workerId, workerAddress: "10.0.0.1:7000", availableSlots },
    });
  }

  done(taskId: string, output: Uint8Array<ArrayBuffer> = json("done")): Promise<void> {
    return this.say({ case: "result", value: { taskId, status: TaskStatus.COMPLETED, output } });
  }

  close(): Promise<void> {
    return this.#talk.close();
  }

  get given(): readonly TaskAssignment[] {
    return this.#talk.heard;
  }

  get tasks(): readonly string[] {
    return this.given.map(({ taskId }) => taskId);
  }

  get failure(): string | undefined {
    const { failure } = this.#talk;
    return failure === undefined ? undefined : failure === "" ? "" : failure.message;
  }

  /** What of its messages was wrong, as its stream's end says. */
  get field(): string | undefined {
    const { failure } = this.#talk;
    if (!failure) return undefined;
    return failure.findDetails(BadRequestSchema)[0]?.fieldViolations[0]?.field;
  }
}

/** A worker that knows only taskrun.v1. */
export class TaskrunWorker {
  readonly #talk: Talk<ReturnType<typeof message>, RunServerMessage>;

  constructor({ gate }: World, agents: readonly string[], workerId = "w-taskrun") {
    const { streamConnect } = createClient(RunService, gate.transport);
    this.#talk = new Talk((messages) => streamConnect(messages));
    const info = { workerId, agents: agents.map((name) => ({ name })) };
    void this.say({ case: "hello", value: { info, protocol: 0 } });
  }

  say(...payloads: ClientPayload[]): Promise<void> {
    return this.#talk.say(...payloads.map(message));
  }

  get runs(): readonly { readonly runId: string; readonly taskId: string }[] {
    return this.#talk.heard.flatMap(({ payload }) => (payload.case === "assignRun" ? [payload.value] : []));
  }
}

const message = (payload: ClientPayload) => create(RunClientMessageSchema, { payload });

export const spec = (given: MessageInitShape<typeof TaskSpecSchema>) => create(TaskSpecSchema, given);
export const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
export const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** `RUNNING 40% half of it` */
export function shown({ status, progressPercent, message }: TaskProgress): string {
  return `${TaskStatus[status]} ${progressPercent}% ${message}`;
}

/** A Task that was submitted by a TaskSpec. */
export async function submitted({ clients }: World, given: Parameters<typeof spec>[0] = {}): Promise<string> {
  const { taskId } = await clients.gateway.submitTask(spec({ name: "resize", ...given }));
  await settle();
  return taskId;
}

/** `RUNNING, FAILED TIMEOUT, ASSIGNED`: of the Task, and of its Runs. */
export async function shownStatus({ clients }: World, id: string): Promise<string> {
  const { status, runs } = await clients.tasks.getTask({ id });
  const ofRuns = runs.map((run) => `${RunStatus[run.status]}${run.reason && ` ${run.reason}`}`);
  return [TaskrunStatus[status], ...ofRuns].join(", ");
}

/** A worker of orchestrator.v1 that has sent its first heartbeat. */
export async function slotWorker(world: World, slots = 1, workerId = "w-slots"): Promise<SlotWorkerDouble> {
  const worker = new SlotWorkerDouble(world, workerId);
  await worker.beat(slots);
  return worker;
}

/** The source of a template whose Steps do not depend on each other. */
export function templateOf(
  name: string,
  steps: readonly string[],
  more = "retry: { max_attempts: 1 }",
): string {
  const lines = steps.map((step) => `  - { name: ${step}, handler: { callable: resize }, ${more} }`);
  return `name: ${name}\nnamespace_name: default\nversion: 1.0.0\nsteps:\n${lines.join("\n")}\n`;
}
