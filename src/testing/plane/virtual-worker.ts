import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { sharedConnection } from "#transport/shared";
import type { WorkerHandle } from "#worker/index";
import { serveOn } from "#worker/serve";
import { type PlaneAddress, WorkerNetwork } from "./network.js";
import type { Story } from "./story.js";
import type { TestTime } from "./test-time.js";
import type { TestWorker, TestWorkerOptions, TestWorkerState } from "./test-worker.js";
import { WorkerClock } from "./worker-clock.js";

export interface VirtualWorkerParts {
  readonly id: string;
  readonly options: TestWorkerOptions;
  readonly address: PlaneAddress;
  readonly time: TestTime;
  readonly story: Story;
  readonly log: Log;
  /** Uniform in [0, 1), by the plane's seed. */
  readonly draw: () => number;
}

/** The real worker, whose clock and connection the test has in hand. */
export class VirtualWorker implements TestWorker {
  readonly id: string;
  readonly #parts: VirtualWorkerParts;
  #state: TestWorkerState = "stopped";
  #clock: WorkerClock;
  #network: WorkerNetwork;
  #handle: WorkerHandle | undefined;
  #refusal: unknown;

  constructor(parts: VirtualWorkerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#clock = new WorkerClock(parts.time.clock, parts.draw);
    this.#network = this.#newNetwork();
  }

  get state(): TestWorkerState {
    return this.#state;
  }

  get activeRuns(): number {
    return this.#handle?.activeRuns ?? 0;
  }

  /** True if it is assigned Runs of this agent. */
  serves(agentName: string): boolean {
    return this.#state === "connected" && this.#parts.options.agents.some(({ name }) => name === agentName);
  }

  async start(): Promise<void> {
    this.#expect("start", "killed", "stopped");
    const { time, options, log } = this.#parts;
    this.#refusal = undefined;
    // A new process has a clock and a connection of its own; those of the killed one may still be held by its agents.
    this.#clock = new WorkerClock(time.clock, this.#parts.draw);
    this.#network = this.#newNetwork();
    const connect = () => sharedConnection(this.#network.transport);
    const handle = serveOn(
      { addr: "the test's plane", connect },
      {
        log,
        ...options,
        id: this.id,
        handleSignals: false,
        handleUncaught: false,
        onConnected: () => this.#connected(handle),
      },
      this.#clock,
    );
    this.#handle = handle;
    this.#to("connecting");
    handle.closed.then(
      () => this.#ended(handle, "stopped"),
      (error: unknown) => this.#ended(handle, "stopped", error),
    );
    await this.untilConnected();
  }

  async kill(): Promise<void> {
    this.#expect("kill", "connecting", "connected", "disconnected", "suspended");
    this.end("killed");
    await this.#parts.time.rest();
  }

  async disconnect(): Promise<void> {
    this.#expect("disconnect", "connecting", "connected");
    this.#to("disconnected", "disconnected");
    this.#network.cut();
    await this.#parts.time.rest();
  }

  async reconnect(): Promise<void> {
    this.#expect("reconnect", "disconnected");
    this.#network.mend();
    this.#to("connecting");
    await this.untilConnected();
  }

  async suspend(): Promise<void> {
    this.#expect("suspend", "connected");
    this.#to("suspended", "suspended");
    this.#clock.stop();
    this.#network.hold();
    await this.#parts.time.rest();
  }

  async resume(): Promise<void> {
    this.#expect("resume", "suspended");
    this.#to("connected", "resumed");
    this.#clock.goOn();
    this.#network.release();
    await this.#parts.time.rest();
    await this.untilConnected();
  }

  async drain(reason = "asked to"): Promise<void> {
    this.#expect("drain", "connecting", "connected", "disconnected");
    // It rejects if the worker was refused, which `closed` says too.
    void this.#handle?.drain(reason).catch(() => {});
    await this.#parts.time.rest();
  }

  /** True while it comes or goes, so that its lease matters. */
  get isUnsteady(): boolean {
    return this.#state === "connecting" || this.#state === "suspended";
  }

  /** Number of Runs that it holds and can report on. */
  get runsInReach(): number {
    return this.#state === "connected" ? this.activeRuns : 0;
  }

  /** Ends its process at once. */
  end(told?: string): void {
    this.#to("killed", told);
    const handle = this.#handle;
    this.#handle = undefined;
    this.#network.cut();
    this.#network.release();
    this.#clock.stop();
    handle?.close();
  }

  leap(begins: boolean): void {
    if (this.#state !== "connected") return;
    if (begins) this.#clock.sleep();
    else this.#clock.wake();
  }

  #newNetwork(): WorkerNetwork {
    const { address, time } = this.#parts;
    const network: WorkerNetwork = new WorkerNetwork(address, time.activity, () => {
      if (this.#network === network && this.#state === "connected") this.#to("connecting");
    });
    return network;
  }

  /** Lets as much time pass as it takes to connect. @throws if the plane refuses it */
  async untilConnected(): Promise<void> {
    await this.#parts.time.pass(limits.reconnectMost, () => this.#state !== "connecting");
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  #connected(handle: WorkerHandle): void {
    if (this.#handle !== handle || this.#state !== "connecting") return;
    this.#to("connected", "connected");
  }

  #ended(handle: WorkerHandle, state: TestWorkerState, error?: unknown): void {
    if (this.#handle !== handle) return;
    this.#handle = undefined;
    this.#refusal = error;
    this.#to(state, error === undefined ? "stopped" : `refused: ${(error as Error).message}`);
  }

  #to(state: TestWorkerState, told?: string): void {
    this.#state = state;
    const { time, story } = this.#parts;
    time.activity.note();
    if (told !== undefined) story.tell(time.clock.now(), `${this.id}: ${told}`);
  }

  #expect(method: string, ...states: readonly TestWorkerState[]): void {
    if (states.includes(this.#state)) return;
    throw new Error(
      `${this.id} is ${this.#state}: ${method}() is for a worker that is ${states.join(" or ")}.`,
    );
  }
}
