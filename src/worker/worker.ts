import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { WorkerInfoSchema } from "#wire/gen/taskrun/v1/common_pb";
import type { ServedAgent } from "./agent/served-agent.js";
import { certificateRefusal } from "./identity/identity.js";
import type { Plane } from "./protocol/connection.js";
import { Lease } from "./protocol/lease.js";
import { leaseLeft, reconnectDelay } from "./protocol/reconnect.js";
import { Session } from "./protocol/session.js";
import { Takeovers, takeoverIn } from "./protocol/takeovers.js";
import { HeldRuns } from "./run/held.js";
import { InputReader } from "./run/input-reader.js";
import { JournalReader } from "./run/journal-reader.js";
import { ResultReader } from "./run/result-reader.js";
import { machineTime, pause, type WorkerTime } from "./timers.js";

/** Codes after which connecting is given up, unless a connection has succeeded before. */
const hopeless = new Set([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

export interface WorkerOptions {
  readonly plane: Plane;
  readonly info: MessageInitShape<typeof WorkerInfoSchema> & { readonly workerId: string };
  readonly instance: string;
  readonly agents: readonly ServedAgent[];
  readonly maxRuns: number;
  readonly drainMs: number;
  readonly log: Log;
  readonly onConnected: (session: string) => void;
  /** Called when the server asks for a renewal of the certificate, at a moment within this time. */
  readonly renewIdentity?: (withinMs: number) => void;
  /** Default: the time of this machine. */
  readonly time?: WorkerTime;
}

/** Connects, reconnects and drains, and keeps what outlives a session: the held Runs and the lease. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #held: HeldRuns;
  readonly #lease = new Lease();
  readonly #time: WorkerTime;
  readonly #results: ResultReader;
  readonly #inputs: InputReader;
  readonly #journals: JournalReader;
  readonly #leaving = new AbortController();
  #session: Session | undefined;
  /** Renewals of the lease by this session. */
  #renewals = 0;
  #everWelcomed = false;
  /** Of the last welcome. */
  #incarnation = "";
  #serverProtocol = 0;
  /** True from a {@link reconnect} until the session of before has ended. */
  #isReconnecting = false;
  readonly #takeovers = new Takeovers();
  /** When this session was welcomed, and by which server. */
  #welcomedAt: number | undefined;
  #welcomedBy = "";
  #clearFence = (): void => {};
  #clearDrain = (): void => {};

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#time = options.time ?? machineTime;
    this.#results = new ResultReader(this.#time);
    this.#inputs = new InputReader(this.#time);
    this.#journals = new JournalReader(this.#time);
    this.#held = new HeldRuns({
      agents: options.agents,
      maxRuns: options.maxRuns,
      time: this.#time,
      windowBytes: limits.workerCreditBytes,
      log: options.log,
      poke: () => this.#session?.poke(),
      readResult: (wanted, signal) => this.#results.read(wanted, signal),
      readInput: (...args) => this.#inputs.read(...args),
      readJournal: (...args) => this.#journals.read(...args),
      serverProtocol: () => this.#serverProtocol,
      emptied: () => {
        if (this.#held.refusing) this.#leave();
      },
    });
  }

  /** Runs until drained or closed. @throws if the server refuses this Worker for good, or others keep taking its id */
  async run(): Promise<void> {
    const { signal } = this.#leaving;
    try {
      for (let failures = 0; !signal.aborted; ) {
        const error = await this.#oneSession();
        if (signal.aborted) break;
        if (this.#isReconnecting) {
          this.#isReconnecting = false;
          continue;
        }
        const refusal = certificateRefusal(error);
        if (refusal !== undefined)
          throw new Error(`the plane refuses this worker: ${refusal}`, { cause: error });

        failures = this.#renewals >= limits.stableRenewals ? 1 : failures + 1;
        const delayMs = this.#stayAwayMs(error) ?? this.#reconnectMs(error, failures);
        await pause(this.#time, delayMs, signal);
      }
    } finally {
      this.#clearFence();
      this.#clearDrain();
      this.#held.refuse("the worker has stopped");
      this.#held.giveUp("shutdown", "the worker has stopped");
    }
  }

  get activeRuns(): number {
    return this.#held.size;
  }

  /** Takes no new Runs, lets held ones finish within `withinMs`, hands back the rest, and disconnects. Idempotent. */
  drain(reason: string, withinMs = this.#options.drainMs): void {
    if (this.#held.refusing) return;
    this.#options.log.info("draining", { reason, runs: this.#held.size, withinMs });
    this.#held.refuse(`the worker is draining: ${reason}`);
    if (this.#held.size === 0) {
      this.#leave();
    } else {
      this.#session?.beat();
      this.#clearDrain = this.#time.after(withinMs, () => this.#leave());
    }
  }

  /**
   * Connects anew, on a new connection, and goes on with the Runs that it holds. First it asks for no more of them for a while: what is
   * assigned just when the stream ends does not arrive, and would have to be assigned again.
   */
  reconnect(reason: string): void {
    const session = this.#session;
    if (!session?.welcomed) return;
    session.retire();
    this.#time.after(limits.reconnectQuiet, () => {
      if (this.#session !== session || this.#leaving.signal.aborted) return;
      this.#options.log.info("connecting anew", { reason, runs: this.#held.size });
      this.#isReconnecting = true;
      session.close();
    });
  }

  /** Stops every Run and ends the stream at once. */
  close(): void {
    this.#held.refuse("the worker has stopped");
    this.#held.giveUp("shutdown", "the worker was told to stop at once");
    this.#leaving.abort();
    this.#session?.close();
  }

  #leave(): void {
    if (this.#leaving.signal.aborted) return;
    this.#leaving.abort();
    this.#held.handBack("the worker is leaving");
    if (this.#session?.welcomed) this.#session.leave();
    else this.#session?.close();
  }

  /** @param error why the session ended; undefined if the server closed it without an error */
  #reconnectMs(error: unknown, failures: number): number {
    const { log, plane } = this.#options;
    const leftMs = leaseLeft(this.#held, this.#lease, this.#time);
    const retryInMs = reconnectDelay(failures, leftMs, this.#time.draw());
    const message = error instanceof ConnectError ? error.rawMessage : (error as Error | undefined)?.message;
    const why = message ?? "the plane closed the stream";
    const lost = this.#welcomedAt !== undefined;
    log.warn(lost ? "connection to the plane lost" : "no connection to the plane", {
      why,
      addr: lost ? this.#welcomedBy : plane.addr,
      retryInMs,
    });
    return retryInMs;
  }

  /**
   * If another process has taken over the Worker's id, stops all Runs, which the server has ended.
   *
   * @returns milliseconds to wait before reconnecting; undefined if the session ended for another reason
   * @throws after too many takeovers in a row
   */
  #stayAwayMs(error: unknown): number | undefined {
    const takeover = takeoverIn(error);
    if (takeover === undefined) return undefined;

    const { log, info } = this.#options;
    this.#held.giveUp("lease lost", takeover);
    const heldMs = this.#welcomedAt === undefined ? 0 : this.#time.monotonic() - this.#welcomedAt;
    const retryInMs = this.#takeovers.next(heldMs, this.#time.draw());
    if (retryInMs === undefined) {
      throw new Error(`this worker gives up, since it does not keep its id: ${takeover}`, { cause: error });
    }
    log.error("another process has this worker's id", { workerId: info.workerId, why: takeover, retryInMs });
    return retryInMs;
  }

  /**
   * Runs one session to its end.
   *
   * @returns what ended it; undefined if the server closed it without an error
   * @throws if the server refuses this Worker for good
   */
  async #oneSession(): Promise<unknown> {
    const { plane, info, instance, maxRuns, log } = this.#options;
    this.#renewals = 0;
    this.#welcomedAt = undefined;
    const session = new Session({
      plane,
      info,
      instance,
      maxRuns,
      workerId: info.workerId,
      incarnation: this.#incarnation,
      held: this.#held,
      lease: this.#lease,
      time: this.#time,
      renewed: () => {
        this.#renewals += 1;
        this.#watchLease();
      },
      fenced: () => this.#fence(),
      renewAsked: (withinMs) => this.#options.renewIdentity?.(withinMs),
      drained: (reason, leftMs) => this.drain(reason, Math.min(leftMs ?? Infinity, this.#options.drainMs)),
      // A notice is for the operator.
      welcomed: ({ session: name, notice, incarnation, protocol }) => {
        this.#everWelcomed = true;
        this.#incarnation = incarnation;
        this.#serverProtocol = protocol;
        this.#welcomedAt = this.#time.monotonic();
        this.#welcomedBy = plane.addr;
        this.#results.use(session.readResult);
        this.#inputs.use(session.readInput);
        this.#journals.use(session.readJournal);
        log.info("connected", { workerId: info.workerId, sessionId: name, addr: plane.addr });
        if (notice !== "") log.warn("the plane says", { workerId: info.workerId, notice });
        this.#options.onConnected(name);
      },
    });
    this.#session = session;
    try {
      await session.run();
      return undefined;
    } catch (error) {
      if (
        !this.#everWelcomed &&
        hopeless.has(ConnectError.from(error).code) &&
        error instanceof ConnectError
      ) {
        throw new Error(`the plane at ${plane.addr} refuses this worker: ${error.rawMessage}`, {
          cause: error,
        });
      }
      return error;
    } finally {
      this.#session = undefined;
      this.#results.use(undefined);
      this.#inputs.use(undefined);
      this.#journals.use(undefined);
      this.#held.detach();
    }
  }

  #watchLease(): void {
    this.#clearFence();
    const leftMs = this.#lease.fenceAt - this.#time.awake();
    this.#clearFence = this.#time.afterAwake(leftMs, () => this.#fence());
  }

  /** Stops the held Runs, without reporting on them, before the server may assign their Steps to other Workers. */
  #fence(): void {
    this.#clearFence();
    if (this.#time.awake() < this.#lease.fenceAt) {
      this.#watchLease();
      return;
    }
    if (this.#held.size > 0) {
      this.#options.log.warn("lease lost: runs are given up", { runs: this.#held.size });
      this.#held.giveUp("lease lost", "the plane has not acknowledged a heartbeat in time");
    }
    if (this.#session?.welcomed) this.#session.close(new Error("no heartbeat was acknowledged in time"));
  }
}
