import type { MessageInitShape } from "@bufbuild/protobuf";
import { readTraceparent } from "#domain/task/trace";
import { limits } from "#limits/index";
import type { WorkerInfoSchema } from "#wire/gen/taskrun/v1/common_pb";
import type {
  RunAssignment,
  RunClientMessage,
  RunServerMessage,
  ServerAck,
  Welcome,
} from "#wire/gen/taskrun/v1/run_service_pb";
import type { EarlierRecord } from "../journal/journal.js";
import type { HeldRuns } from "../run/held.js";
import type { JournalWanted } from "../run/journal-reader.js";
import type { Ask } from "../run/patient-reader.js";
import { PullStream } from "../run/pull-stream.js";
import type { ResultWanted } from "../run/result-reader.js";
import type { WorkerTime } from "../timers.js";
import { assignmentProblem, type SessionFacts } from "./assignment-check.js";
import { type Connection, dial, type Plane } from "./connection.js";
import * as frames from "./frames.js";
import type { Lease } from "./lease.js";
import { connectTimeout, leaseLeft } from "./reconnect.js";
import type { RunKey } from "./run-key.js";

/** Version of the stream's protocol: with leases, fences, acknowledgements, and inputs by reference. */
const PROTOCOL = 2;

export interface SessionOptions {
  readonly plane: Plane;
  readonly info: MessageInitShape<typeof WorkerInfoSchema>;
  readonly workerId: string;
  /** Random per process. */
  readonly instance: string;
  readonly maxRuns: number;
  /** The incarnation of the welcome before; empty if there was none. */
  readonly incarnation: string;
  readonly held: HeldRuns;
  readonly lease: Lease;
  readonly time: WorkerTime;
  /** Called when the lease was renewed. */
  readonly renewed: () => void;
  /** Called before sending, once the lease is over. */
  readonly fenced: () => void;
  /** Called when the server asks for a renewal of the certificate, at a moment within this time. */
  readonly renewAsked: (withinMs: number) => void;
  readonly welcomed: (welcome: Welcome) => void;
  /** Called when the server drains this Worker; `leftMs` is undefined if it sets no deadline. */
  readonly drained: (reason: string, leftMs: number | undefined) => void;
}

/** One stream to the server, from the hello to its end: sends heartbeats and reports, and dispatches what it receives. */
export class Session {
  readonly #options: SessionOptions;
  readonly #outgoing = new PullStream(() => this.#next());
  #connection: Connection | undefined;
  #failure: Error | undefined;
  #helloSaid = false;
  #welcome: Welcome | undefined;
  #beatDue = false;
  #isRetiring = false;
  #lastOrdinal = 0n;
  /** The server's clock minus the monotonic clock, in milliseconds. */
  #serverOffsetMs = 0;
  readonly #stops = new Set<() => void>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get welcomed(): boolean {
    return this.#welcome !== undefined;
  }

  /** Runs the stream until it ends. @throws what ended it, unless the server or {@link leave} closed it */
  async run(): Promise<void> {
    const { held, lease, time } = this.#options;
    const patienceMs = Math.round(connectTimeout(leaseLeft(held, lease, time)));
    const silent = this.#after(patienceMs, `no answer within ${patienceMs} ms`);
    this.#after(limits.hello, `no welcome within ${limits.hello} ms`, () => this.welcomed);
    this.#connection = dial(this.#options.plane, this.#outgoing, silent);
    try {
      for await (const message of this.#connection.incoming) this.#receive(message);
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      this.close();
      for (const stop of this.#stops) stop();
    }
  }

  /** Call it when there may be something to send. */
  poke(): void {
    this.#outgoing.poke();
  }

  /** Reads a Step's result over this session's connection. */
  readonly readResult: Ask<ResultWanted> = async (wanted, options) => {
    if (!this.#connection) throw new Error("not connected");
    return this.#connection.readResult(wanted, options);
  };

  /** Reads the input of a Run's Task over this session's connection. */
  readonly readInput: Ask<RunKey> = async (wanted, options) => {
    if (!this.#connection) throw new Error("not connected");
    return this.#connection.readInput(wanted, options);
  };

  /** Reads a page of the journal of a Run's Step over this session's connection. */
  readonly readJournal: Ask<JournalWanted, readonly EarlierRecord[]> = async (wanted, options) => {
    if (!this.#connection) throw new Error("not connected");
    return this.#connection.readJournal(wanted, options);
  };

  /** Sends a heartbeat now, whether or not one is due. */
  beat(): void {
    this.#beatDue = true;
    this.poke();
  }

  /** Tells the server to assign nothing more in this session. */
  retire(): void {
    this.#isRetiring = true;
    this.beat();
  }

  /** Sends the pending reports and a last heartbeat, then closes the stream. */
  leave(): void {
    this.beat();
    this.#outgoing.end();
    this.#after(limits.farewell, "the plane did not close the stream");
  }

  /** Ends the stream at once. */
  close(failure?: Error): void {
    this.#failure ??= failure;
    this.#outgoing.end();
    this.#connection?.close();
  }

  #after(delayMs: number, complaint: string, unless = () => false): () => void {
    const stop = this.#options.time.after(delayMs, () => {
      if (!unless()) this.close(new Error(complaint));
    });
    this.#stops.add(stop);
    return stop;
  }

  #next(): RunClientMessage | undefined {
    const { held } = this.#options;
    this.#fenceIfOver();
    if (!this.#helloSaid) return this.#hello();
    if (!this.#welcome) return undefined;

    const declined = held.nextDecline();
    if (declined) return declined;
    return this.#beatDue ? this.#heartbeat() : held.nextReport();
  }

  #fenceIfOver(): void {
    const { lease, time } = this.#options;
    if (time.awake() >= lease.fenceAt) this.#options.fenced();
  }

  #hello(): RunClientMessage {
    const { info, instance, incarnation, held, lease, time } = this.#options;
    this.#helloSaid = true;
    lease.helloSent(time.awake());
    return frames.hello({ info, instance, protocol: PROTOCOL, resume: held.resume(), incarnation });
  }

  #heartbeat(): RunClientMessage {
    const { held, lease, workerId, maxRuns, time } = this.#options;
    this.#beatDue = false;
    held.beat();
    const value = {
      workerId,
      status: frames.workerStatus(held.refusing || this.#isRetiring, held.size),
      activeRuns: held.size,
      maxConcurrentRuns: maxRuns,
      heldRunIds: held.ids,
      lastOrdinal: this.#lastOrdinal,
      beat: BigInt(lease.beatSent(time.awake())),
    };
    return frames.heartbeat(value, time.wall());
  }

  #receive({ payload }: RunServerMessage): void {
    const { held } = this.#options;
    // A process that was stopped for longer than its lease reads what came meanwhile before its timers fire: nothing may begin by it.
    this.#fenceIfOver();
    switch (payload.case) {
      case "welcome":
        this.#begin(payload.value);
        break;
      case "assignRun":
        this.#assigned(payload.value);
        break;
      case "cancelRun":
        held.cancel(payload.value.runId, payload.value.reason);
        break;
      case "ack":
        this.#acknowledged(payload.value);
        break;
      case "drain":
        this.#options.drained(payload.value.reason, this.#left(payload.value.deadlineMs));
        break;
      case "renewIdentity":
        this.#options.renewAsked(Number(payload.value.withinMs));
        break;
      default:
      // Messages of newer servers, and turns of conversations, which no agent takes part in.
    }
  }

  #begin(welcome: Welcome): void {
    if (this.#welcome) return;
    this.#welcome = welcome;
    this.#serverOffsetMs = Number(welcome.serverTimeMs) - this.#options.time.monotonic();
    this.#options.lease.welcomed(Number(welcome.leaseMs));
    this.#options.renewed();
    this.#options.welcomed(welcome);
    const seldomMs = Number(welcome.leaseMs) / limits.beatsPerLease;
    this.#beatForever(Math.max(1, Math.min(Number(welcome.heartbeatMs), seldomMs)));
  }

  #beatForever(intervalMs: number): void {
    this.beat();
    const stop = this.#options.time.afterAwake(intervalMs, () => {
      this.#stops.delete(stop);
      this.#beatForever(intervalMs);
    });
    this.#stops.add(stop);
  }

  #assigned(assignment: RunAssignment): void {
    const { runId, taskId, agentName, inputJson, labels, attempt, fence, stepName } = assignment;
    const { dependencyResultsJson: results, dependencyRefs: resultRefs, failedDependencies } = assignment;
    const { inputRef: ref, inputPartsJson } = assignment;
    const traceparent = readTraceparent(assignment.traceparent) && assignment.traceparent;
    const inputRef = ref && { id: ref.id, bytes: Number(ref.bytes) };
    const problem = assignmentProblem(assignment, this.#facts());
    if (problem !== undefined) {
      this.#options.held.turnAway(runId, `the assignment was refused: ${problem}`);
      return;
    }
    if (assignment.ordinal > this.#lastOrdinal) this.#lastOrdinal = assignment.ordinal;
    const deadlineMs = Number(assignment.deadlineMs);
    this.#options.held.take(
      {
        ...{ runId, taskId, stepName, agentName, inputJson, labels, attempt, fence, deadlineMs },
        ...{ results, resultRefs, failedDependencies, inputRef, inputPartsJson, traceparent },
        journalRecords: Number(assignment.journalRecords),
      },
      this.#left(assignment.deadlineMs),
    );
  }

  #facts(): SessionFacts {
    const { session = "", incarnation = "" } = this.#welcome ?? {};
    const serverMs = this.#serverOffsetMs + this.#options.time.monotonic();
    return { session, incarnation, lastOrdinal: this.#lastOrdinal, serverMs };
  }

  #acknowledged({ ackType, refId, nextSeq, beat, creditBytes, childTaskId }: ServerAck): void {
    const { held, lease, renewed } = this.#options;
    if (ackType === "output") {
      held.acknowledgeOutput(
        refId,
        Number(nextSeq),
        creditBytes === undefined ? undefined : Number(creditBytes),
      );
    } else if (ackType === "status") {
      held.acknowledgeEnd(refId);
    } else if (ackType === "journal") {
      held.acknowledgeJournal(refId, Number(nextSeq), childTaskId);
    } else if (ackType === "usage") {
      held.acknowledgeUsage(refId, Number(nextSeq));
    } else if (ackType === "heartbeat") {
      lease.acknowledged(Number(beat));
      renewed();
    }
  }

  /** Milliseconds from now to an instant of the server's clock; undefined for 0, which is none. */
  #left(serverMs: bigint): number | undefined {
    if (serverMs === 0n) return undefined;
    return Math.max(0, Number(serverMs) - this.#serverOffsetMs - this.#options.time.monotonic());
  }
}
