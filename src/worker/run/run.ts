import { setMaxListeners } from "node:events";
import { type FailureReason, outputLimit } from "#domain/task/report";
import type { ModelBackend } from "#domain/task/run";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { openTelemetry } from "#transport/open-telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "../agent/context.js";
import type { DurableContext } from "../agent/durable.js";
import { RunStopped, type StopCause } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";
import { logWith } from "../agent/log.js";
import { failed, outcomeOf, outcomeWith } from "../agent/outcome.js";
import type { ServedAgent } from "../agent/served-agent.js";
import { unknownToServer } from "../journal/unknown.js";
import {
  checkWritable,
  ended,
  type Failed,
  type Outcome,
  output,
  type Resume,
  started,
} from "../protocol/frames.js";
import type { WorkerTime } from "../timers.js";
import type { Assignment } from "./assignment.js";
import { contextFor } from "./context.js";
import type { InputReader } from "./input-reader.js";
import { Outbox } from "./outbox.js";
import { RunOutput } from "./output.js";
import type { ResultReader } from "./result-reader.js";
import { performTraced, traceFields } from "./traced.js";
import type { Window } from "./window.js";

/** What a Run needs of its Worker. */
export interface RunSurroundings {
  readonly log: Log;
  readonly time: WorkerTime;
  /** Limits the bytes of all Runs that are not yet durable. */
  readonly window: Window;
  readonly readResult: ResultReader["read"];
  readonly readInput: InputReader["read"];
  /** Called when the Run may have something to send. */
  ready(run: Run): void;
}

/**
 * A Run that this Worker holds, from its assignment until the server has acknowledged its end. It sends reports only
 * while attached to a session. Output and the end are kept, and sent again in each new session, until acknowledged.
 */
export class Run {
  readonly runId: string;
  readonly fence: number;
  readonly #assignment: Assignment;
  readonly #around: RunSurroundings;
  readonly #abort = new AbortController();
  readonly #outbox = new Outbox<RunClientMessage>();
  #attached = true;
  #startTold = false;
  /** True while the end need not be sent again. */
  #endTold = false;
  /** True if the end was sent in this session at least once, so that it may be acknowledged. */
  #endSaid = false;
  /** Heartbeats since the end was sent, unacknowledged. */
  #beatsWaited = 0;
  /** True if the end was repeated at once because the server missed output before it; done once. */
  #repeated = false;
  #outcome: Outcome | undefined;
  #cancelled: Outcome | undefined;
  #backend: ModelBackend | undefined;
  #durable: DurableContext | undefined;
  readonly #says: RunOutput;

  constructor(assignment: Assignment, around: RunSurroundings) {
    this.runId = assignment.runId;
    this.fence = assignment.fence;
    this.#assignment = assignment;
    this.#around = around;
    setMaxListeners(limits.waitsPerRun, this.#abort.signal);
    this.#says = new RunOutput(this.#outbox, {
      time: around.time,
      signal: this.#abort.signal,
      window: around.window,
      ended: () => this.#outcome !== undefined,
      ready: () => around.ready(this),
      overspent: () => void this.#fail(outputLimit, "OUTPUT_LIMIT"),
      forgotten: () => around.log.warn("events are forgotten: too many wait", { runId: this.runId }),
    });
  }

  /** Runs the agent. Resolves when it has returned or failed; never rejects. */
  async start(agent: ServedAgent): Promise<void> {
    // Deferred until no promise job is left: an agent that ends by then needs no report of its start.
    process.nextTick(() => this.#around.ready(this));
    if (agent.backends.length === 1) this.#backend = agent.backends[0];

    const { signal } = this.#abort;
    const { inputJson, inputRef, inputPartsJson } = this.#assignment;
    const outcome = inputRef
      ? await outcomeWith(
          () => this.#around.readInput(inputRef, inputPartsJson, this, signal),
          signal,
          (input) => this.#perform(agent, input),
        )
      : await this.#perform(agent, inputJson);
    this.#outcome ??= this.#cancelled ?? outcome;
    if (this.#outcome.status === "FAILED" && !this.#isTakenBack) this.#logFailure(agent, this.#outcome);
    this.#around.ready(this);
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** True if it was stopped for no reason of its own, and runs again elsewhere: how its agent ends then is no failure. */
  get #isTakenBack(): boolean {
    const { aborted, reason } = this.#abort.signal;
    const { why } = aborted ? (reason as RunStopped) : {};
    return why === "shutdown" || why === "lease lost";
  }

  /** True if the agent has ended and its end was sent in this session. */
  get endTold(): boolean {
    return this.#endSaid;
  }

  /**
   * Stops the Run: aborts the agent's signal and, except at a deadline, drops output that is not durable. After a cancel
   * the end is reported on the session that it came from.
   */
  stop(why: StopCause, detail: string): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new RunStopped(why, detail));
    if (why === "deadline") return; // output sent in time still counts

    this.#around.window.leave(this.#outbox.clear());
    if (why === "cancelled") {
      this.#cancelled = { status: "CANCELLED", error: detail };
      if (this.#outcome) this.#outcome = this.#cancelled;
      if (!this.#attached) this.#attach(); // no acknowledgement will come for this Run in this session
      this.#around.ready(this);
    }
  }

  /** Call it when the session has ended. Nothing is sent until a new one has acknowledged what the server has. */
  detach(): void {
    this.#attached = false;
    this.#endTold = this.#endSaid = false;
  }

  /** Returns this Run's entry in the hello of a new session. */
  resume(): Resume {
    return { runId: this.runId, fence: this.fence, nextSeq: BigInt(this.#outbox.lowest) };
  }

  /** The server has all output before `nextSeq`. The first call after a hello attaches the Run to the new session. */
  acknowledgeOutput(nextSeq: number, creditBytes: number | undefined): void {
    if (creditBytes !== undefined) this.#outbox.setCredit(creditBytes);
    const freed = this.#outbox.acknowledge(nextSeq);
    this.#around.window.leave(freed);
    this.#says.wake();

    if (!this.#attached) {
      this.#attach();
    } else if (this.#endTold && freed === 0 && this.#outbox.bytes > 0 && !this.#repeated) {
      this.#repeated = true;
      this.#tellAgain();
    }
    this.#around.ready(this);
  }

  /**
   * Call it when a heartbeat is sent. An end that was sent at least an interval ago and not acknowledged is sent again,
   * with its output.
   */
  beat(): void {
    if (!this.#attached || !this.#endTold) return;
    this.#beatsWaited += 1;
    if (this.#beatsWaited < 2) return;
    this.#tellAgain();
    this.#around.ready(this);
  }

  /** Returns the report of the start, unless it has been sent in this session. */
  startReport(): RunClientMessage | undefined {
    if (this.#attached && this.#startTold) return undefined;
    this.#startTold = true;
    return started(this, this.#around.time.wall());
  }

  /** Returns the next message to send in this session; undefined if there is none. */
  next(): RunClientMessage | undefined {
    if (!this.#attached) return undefined;
    try {
      const message = this.#next();
      if (message) checkWritable(message);
      return message;
    } catch (error) {
      return this.#unwritable(error);
    }
  }

  #next(): RunClientMessage | undefined {
    if (!this.#startTold) {
      this.#startTold = true;
      if (!this.#outcome || this.#outbox.count > 0) return started(this, this.#around.time.wall());
    }

    const entry = this.#outbox.take();
    if (entry) return entry.kind === "chunk" ? output(this, entry) : entry.content;
    if (!this.#outcome || this.#endTold || !this.#outbox.allSent) return undefined;

    this.#endTold = this.#endSaid = true;
    const count = this.#outcome.status === "CANCELLED" ? undefined : this.#outbox.count;
    return ended(this, this.#outcome, count, this.#backend, this.#around.time.wall());
  }

  /** Sends in this session from now on, beginning with the start unless the server is known to have it. */
  #attach(): void {
    this.#attached = true;
    // If any output is durable, so is the start before it; a cancelled Run needs none.
    this.#startTold = this.#outbox.lowest > 0 || this.#cancelled !== undefined;
    this.#tellAgain();
  }

  #tellAgain(): void {
    this.#endTold = false;
    this.#beatsWaited = 0;
    this.#outbox.rewind();
  }

  #perform(agent: ServedAgent, inputJson: string): Promise<Outcome> {
    const perform = (traceparent: string | undefined) =>
      outcomeOf(agent, inputJson, this.#context(inputJson, traceparent));
    const api = openTelemetry();
    if (!api) return perform(this.#assignment.traceparent);
    return performTraced(api, this.#assignment, this.#abort.signal, perform);
  }

  /**
   * Fails the Run because a message of it cannot be sent: trying would end the stream with every Run of this Worker.
   * Returns the report of that failure, which contains nothing that came from the agent.
   */
  #unwritable(cause: unknown): RunClientMessage {
    const problem = `what the run has to say cannot be sent: ${inWords(cause)}`;
    this.#around.log.error("a report cannot be written: its run fails", { runId: this.runId, problem });
    this.#backend = undefined;
    this.#around.window.leave(this.#outbox.clear());
    this.#outcome = undefined;
    const outcome = this.#fail(problem, "REPORT_INVALID");
    this.#endTold = this.#endSaid = true;
    return ended(this, outcome, undefined, undefined, this.#around.time.wall());
  }

  /** Fails the Run at once, whatever its agent still does. */
  #fail(message: string, reason: FailureReason): Outcome {
    this.#outcome ??= failed(message, { retryable: false, reason });
    if (!this.stopped) this.#abort.abort(new RunStopped("cancelled", `${reason}: ${message}`));
    this.#around.ready(this);
    return this.#outcome;
  }

  #logFailure({ name }: ServedAgent, { error, detail }: Failed): void {
    const { taskId, attempt, traceparent } = this.#assignment;
    const stack = detail === undefined ? {} : { stack: detail };
    this.#around.log.error("an agent failed", {
      agent: name,
      taskId,
      runId: this.runId,
      attempt,
      error,
      ...traceFields(traceparent),
      ...stack,
    });
  }

  #context(inputJson: string, traceparent: string | undefined): AgentContext {
    const { runId, fence } = this;
    const { signal } = this.#abort;
    return contextFor(
      { ...this.#assignment, inputJson, traceparent },
      {
        signal,
        log: logWith(this.#around.log, {
          runId,
          taskId: this.#assignment.taskId,
          ...traceFields(traceparent),
        }),
        wall: () => this.#around.time.wall(),
        write: (text, metadata) => this.#says.write(text, metadata),
        note: (frame, bytes) => this.#says.note(frame, bytes),
        backendUsed: (backend) => {
          if (!this.#outcome) this.#backend = backend;
        },
        fetchResult: (stepName) => this.#around.readResult({ runId, fence, stepName }, signal),
        durable: () => (this.#durable ??= unknownToServer(this.#around.log)),
      },
    );
  }
}
