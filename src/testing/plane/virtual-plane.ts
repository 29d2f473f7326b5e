import { clientOn } from "#client/client";
import type { Task, TaskRunClient } from "#client/index";
import { registerAll } from "#embedded/templates";
import { optionsOf, shown } from "#embedded/values";
import { jsonSchemas } from "#host/schemas";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Schemas } from "#ports/schemas";
import { memoryStore } from "#stores/memory/index";
import { sharedConnection } from "#transport/shared";
import { seededEntropy } from "../virtual-time.js";
import { Book, recordingStore } from "./book.js";
import { registerFolder } from "./folder.js";
import { clientTransport, PlaneAddress } from "./network.js";
import { NotEnded } from "./not-ended.js";
import type { CheckedOptions } from "./options.js";
import { type ScriptedFailure, ScriptedFailures } from "./scripted-failures.js";
import { type ServerParts, startServer, type TestServer } from "./server.js";
import { spanOf } from "./span.js";
import { Story } from "./story.js";
import type { TestPlane } from "./test-plane.js";
import { TestTime } from "./test-time.js";
import type { TestWorker, TestWorkerOptions } from "./test-worker.js";
import { VirtualWorker } from "./virtual-worker.js";
import { Waits } from "./waits.js";

/** Joins server, client, workers and time, and takes them down again. */
export class VirtualPlane implements TestPlane {
  readonly client: TaskRunClient;
  readonly #options: CheckedOptions;
  readonly #time: TestTime;
  readonly #book = new Book();
  readonly #story: Story;
  readonly #waits: Waits;
  readonly #failures = new ScriptedFailures();
  readonly #address = new PlaneAddress();
  readonly #workers: VirtualWorker[] = [];
  readonly #schemas: Schemas = jsonSchemas();
  readonly #parts: ServerParts;
  readonly #draw: () => number;
  #server: TestServer | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
    const { start, seed, log, terms, environment } = options;
    this.#time = new TestTime(start);
    const { clock, activity } = this.#time;
    this.#story = new Story(this.#book, start);
    this.#waits = new Waits(this.#book, this.#workersSeen(), () => clock.now());
    this.#draw = seededEntropy(seed + 1).draw;
    const store = recordingStore(memoryStore(), (turn) => {
      this.#book.add(turn);
      this.#story.committed(turn);
      activity.note();
    });
    const schemas: Schemas = {
      known: (...args) => this.#schemas.known(...args),
      judge: (...args) => activity.during(this.#schemas.judge(...args)),
      close: async () => {},
    };
    const telemetry = { ...silentTelemetry(), log };
    const entropy = seededEntropy(seed, () => clock.now());
    this.#parts = { store, clock, entropy, telemetry, schemas, terms, environment };
    const transport = clientTransport(this.#address, activity);
    this.client = clientOn(() => sharedConnection(transport), options.client);
  }

  async start(): Promise<void> {
    const { templates, agents, maxRuns, log } = this.#options;
    await this.#open();
    await registerAll(templates.sources, this.client, log);
    if (templates.folder !== undefined) await registerFolder(templates.folder, this.client, log);
    if (agents.length > 0) await this.serve({ agents, maxRuns });
  }

  get worker(): TestWorker {
    const [first] = this.#workers;
    if (first) return first;
    throw new Error("the plane has no worker: give testPlane agents, or call plane.serve({ agents })");
  }

  get workers(): readonly TestWorker[] {
    return [...this.#workers];
  }

  get now(): Date {
    return new Date(this.#time.clock.now());
  }

  async advance(by: number | string): Promise<void> {
    this.#expectRunning();
    await this.#time.pass(spanOf(by, "advance(by): by"));
  }

  async ended(
    task: string | Pick<Task, "id">,
    { within = 0 }: { readonly within?: number | string } = {},
  ): Promise<Task> {
    this.#expectRunning();
    const id = idOf(task);
    await this.#time.pass(spanOf(within, "within"), () => this.#book.hasEnded(id));
    // Also for an id of no Task, which is then refused as everywhere.
    if (this.#book.hasEnded(id) || !this.#book.of(id)) return this.client.tasks.get(id);
    throw new NotEnded(id, this.#book.nameOf(id), this.#waits.of(id), this.transcript(id));
  }

  fail(failure: ScriptedFailure): void {
    this.#failures.add(failure);
  }

  async serve(options: TestWorkerOptions): Promise<TestWorker> {
    this.#expectRunning();
    const { log, agentPatienceMs } = this.#options;
    const { id = `worker-${this.#workers.length + 1}`, agents = [] } = optionsOf(
      options,
      "options",
      workerNames,
    );
    if (!Array.isArray(agents)) throw new TypeError(`agents is ${shown(agents)}: send a list of agents.`);
    if (this.#workers.some((worker) => worker.id === id)) {
      throw new RangeError(`there is a worker ${id} already: send another id, or start() it again.`);
    }
    const failing = agents.map((agent) =>
      this.#failures.applied(agent, this.#time.activity, agentPatienceMs),
    );
    const worker = new VirtualWorker({
      id,
      options: { ...options, agents: failing },
      address: this.#address,
      time: this.#time,
      story: this.#story,
      log,
      draw: this.#draw,
    });
    await worker.start();
    this.#workers.push(worker);
    return worker;
  }

  async restart(): Promise<void> {
    this.#expectRunning();
    await this.#time.rest();
    this.#address.away();
    await this.#server?.stop();
    this.#story.tell(this.#time.clock.now(), "the plane: restarted");
    await this.#open();
    for (const worker of this.#workers) await worker.untilConnected();
    await this.#time.rest();
  }

  transcript(task?: string | Pick<Task, "id">): string {
    return this.#story.text(task === undefined ? undefined : idOf(task));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    for (const worker of this.#workers) worker.end();
    await this.#server?.stop();
    await this.#schemas.close();
  }

  async #open(): Promise<void> {
    const server = await startServer(this.#parts);
    this.#server = server;
    this.#address.moved(server.transport);
    this.#time.use({
      isSteady: () => this.#isSteady(server),
      extendLeases: (by) => server.extendLeases(by),
      sleep: () => this.#leap(true),
      wake: () => this.#leap(false),
    });
  }

  #isSteady({ heldCount }: TestServer): boolean {
    if (this.#workers.some((worker) => worker.isUnsteady)) return false;
    return heldCount === this.#workers.reduce((sum, worker) => sum + worker.runsInReach, 0);
  }

  #leap(begins: boolean): void {
    for (const worker of this.#workers) worker.leap(begins);
  }

  #workersSeen(): ConstructorParameters<typeof Waits>[1] {
    const find = (id: string) => this.#workers.find((worker) => worker.id === id);
    return {
      serving: (agent) => this.#workers.filter((worker) => worker.serves(agent)).map(({ id }) => id),
      troubleOf: (id) => {
        const state = find(id)?.state;
        return state === "connected" ? undefined : state;
      },
      leaseEnd: (session) => this.#server?.leaseEnd(session) ?? this.#time.clock.now(),
    };
  }

  #expectRunning(): void {
    if (this.#stopping) throw new Error("the plane has stopped: start another one by testPlane().");
  }
}

const workerNames = [
  "agents",
  "id",
  "labels",
  "maxRuns",
  "namespaces",
  "drainMs",
  "log",
] as const satisfies readonly (keyof TestWorkerOptions)[];

/** @throws {TypeError} if it is neither an id nor a Task */
function idOf(task: string | Pick<Task, "id">): string {
  const id: unknown = typeof task === "object" && task !== null ? task.id : task;
  if (typeof id === "string") return id;
  throw new TypeError(`task is ${shown(task)}: send a Task, or its id.`);
}
