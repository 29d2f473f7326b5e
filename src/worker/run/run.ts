import { setMaxListeners } from "node:events";
import { outputLimit } from "#domain/task/report";
import type { ModelBackend } from "#domain/task/run";
import { limits } from "#limits/index";
import { openTelemetry } from "#transport/open-telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "../agent/context.js";
import { RunStopped, type StopCause } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";
import { logWith } from "../agent/log.js";
import { failed, outcomeOf, outcomeWith } from "../agent/outcome.js";
import type { ServedAgent } from "../agent/served-agent.js";
import {
  checkWritable,
  type EndReason,
  ended,
  type Outcome,
  output,
  type Resume,
  started,
} from "../protocol/frames.js";
import type { Assignment } from "./assignment.js";
import { contextFor } from "./context.js";
import { RunDurable } from "./durable.js";
import { logFailure } from "./failure-log.js";
import { Outbox } from "./outbox.js";
import { RunOutput } from "./output.js";
import type { RunSurroundings } from "./surroundings.js";
import { performTraced, traceFields } from "./traced.js";

/**
 * A Run that this Worker holds, from its assignment until the server has acknowledged its end. It sends reports only
 * while attached to a session. Output and the end are kept, and sent again in each new session, until acknowledged.
 */
export class Run {
  readonly runId: string;
  readonly fence: number;
  readonly #assignment: Assignment;
  readonly #around: RunSurroundings<Run>;
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
  /** Made at the first durable call. */
  #durable: RunDurable | undefined;
  #suspend: (outcome: Outcome) => void = () => {};
  readonly #says: RunOutput;

  constructor(assignment: Assignment, around: RunSurroundings<Run>) {
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
    logFailure(this.#around.log, agent, this.#assignment, this.#outcome, signal);
    this.#around.ready(this);
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
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
    this.#durable?.clear();
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

  /** The server has all records of the journal before `nextSeq`. @param childId the Task that the last of them has begun, or empty */
  acknowledgeJournal(nextSeq: number, childId: string): void {
    this.#durable?.acknowledge(nextSeq, childId);
    if (this.#attached && this.#endTold && this.#durable?.isDurable === false && !this.#repeated) {
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
    const record = this.#durable?.next(this.#outbox.sent);
    if (record) return record;
    if (!this.#outcome || this.#endTold || !this.#outbox.allSent) return undefined;
    if (this.#durable?.allSent === false || this.#durable?.mayEnd() === false) return undefined;

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
    this.#durable?.rewind();
  }

  #perform(agent: ServedAgent, inputJson: string): Promise<Outcome> {
    const perform = (traceparent: string | undefined): Promise<Outcome> =>
      new Promise((resolve) => {
        this.#suspend = resolve;
        void this.#performed(agent, inputJson, traceparent).then(resolve);
      });
    const api = openTelemetry();
    if (!api) return perform(this.#assignment.traceparent);
    return performTraced(api, this.#assignment, this.#abort.signal, perform);
  }

  async #performed(agent: ServedAgent, inputJson: string, traceparent: string | undefined): Promise<Outcome> {
    const outcome = await outcomeOf(agent, inputJson, this.#context(inputJson, traceparent));
    const isDurable = this.#durable !== undefined || this.#assignment.journalRecords > 0;
    return isDurable ? this.#journal(() => {}).conclude(outcome) : outcome;
  }

  /**
   * Fails the Run because a message of it cannot be sent: trying would end the stream with every Run of this Worker.
   * Returns the report of that failure, if it may be told now; it contains nothing that came from the agent.
   */
  #unwritable(cause: unknown): RunClientMessage | undefined {
    const problem = `what the run has to say cannot be sent: ${inWords(cause)}`;
    this.#around.log.error("a report cannot be written: its run fails", { runId: this.runId, problem });
    this.#backend = undefined;
    this.#around.window.leave(this.#outbox.clear());
    this.#outcome = undefined;
    const outcome = this.#fail(problem, "REPORT_INVALID");
    if (this.#durable?.mayEnd() === false) return undefined;
    this.#endTold = this.#endSaid = true;
    return ended(this, outcome, undefined, undefined, this.#around.time.wall());
  }

  /** Fails the Run at once, whatever its agent still does. */
  #fail(message: string, reason: EndReason): Outcome {
    this.#outcome ??= failed(message, { retryable: false, reason });
    if (!this.stopped) this.#abort.abort(new RunStopped("cancelled", `${reason}: ${message}`));
    this.#around.ready(this);
    return this.#outcome;
  }

  #journal(tell: AgentContext["event"]): RunDurable {
    const { time, window, readJournal } = this.#around;
    this.#durable ??= new RunDurable({
      key: { runId: this.runId, fence: this.fence },
      earlierCount: this.#assignment.journalRecords,
      signal: this.#abort.signal,
      ...{ time, window, readJournal, event: tell },
      chunks: () => this.#outbox.count,
      written: () => this.#says.written,
      ready: () => this.#around.ready(this),
      used: (seq, used) => this.#around.used(this, seq, used),
      fail: ({ message, reason }) => void this.#fail(message, reason),
      suspend: (outcome) => {
        this.#suspend(outcome);
        this.#abort.abort(new RunStopped("suspended", "its agent waits"));
      },
    });
    return this.#durable;
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
        durable: (tell) => this.#around.unknown() ?? this.#journal(tell).calls,
      },
    );
  }
}
