import { setMaxListeners } from "node:events";
import { limits } from "#domain/limits";
import { type FailureReason, outputLimit } from "#domain/report";
import type { ModelBackend } from "#domain/run";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "./agent-context.js";
import { RunStopped, type StopCause } from "./agent-error.js";
import type { Assignment } from "./assignment.js";
import { checkWritable, ended, type Outcome, output, type Resume, started } from "./frames.js";
import { inWords } from "./in-words.js";
import type { InputReader } from "./input-reader.js";
import { logWith } from "./log.js";
import { Outbox } from "./outbox.js";
import { failed, outcomeOf, outcomeWith } from "./outcome.js";
import type { ResultReader } from "./result-reader.js";
import { contextFor } from "./run-context.js";
import { RunOutput } from "./run-output.js";
import type { ServedAgent } from "./served-agent.js";
import type { Window } from "./window.js";

/** What a run needs of the worker around it. */
export interface RunSurroundings {
  readonly log: Log;
  /** Bytes of all runs that are not yet durable. */
  readonly window: Window;
  readonly readResult: ResultReader["read"];
  readonly readInput: InputReader["read"];
  /** The run has something to send. */
  ready(run: Run): void;
}

/**
 * One run in the worker's hands, from its assignment until the plane has acknowledged its end. Speaks only
 * while it is attached to a session; what it says meanwhile waits, and is said again until it is durable.
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
  /** The end need not be said (again) for now. */
  #endTold = false;
  /** The end was said in this session, perhaps more than once: whatever acknowledges it counts. */
  #endSaid = false;
  /** Heartbeats since the end was told and not acknowledged. */
  #beatsWaited = 0;
  /** The end has been told again, at once, because output before it was missing. */
  #repeated = false;
  #outcome: Outcome | undefined;
  #cancelled: Outcome | undefined;
  #backend: ModelBackend | undefined;
  readonly #says: RunOutput;

  constructor(assignment: Assignment, around: RunSurroundings) {
    this.runId = assignment.runId;
    this.fence = assignment.fence;
    this.#assignment = assignment;
    this.#around = around;
    setMaxListeners(limits.waitsPerRun, this.#abort.signal);
    this.#says = new RunOutput(this.#outbox, {
      signal: this.#abort.signal,
      window: around.window,
      ended: () => this.#outcome !== undefined,
      ready: () => around.ready(this),
      overspent: () => void this.#fail(outputLimit, "OUTPUT_LIMIT"),
      forgotten: () => around.log.warn("events are forgotten: too many wait", { runId: this.runId }),
    });
  }

  /** Lets the agent work. Resolves when it has ended, however it did; never rejects. */
  async start(agent: ServedAgent): Promise<void> {
    // Told once no promise can go on by itself: what has ended by then needs no word about its start.
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
    this.#around.ready(this);
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** The agent has ended, and the plane has been told so in this session. */
  get endTold(): boolean {
    return this.#endSaid;
  }

  /**
   * The run is no longer wanted. An agent that is still working is told; output not yet durable is dropped.
   * A cancel is heard on a live session, which is then told the end.
   */
  stop(why: StopCause, detail: string): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new RunStopped(why, detail));
    if (why === "deadline") return; // what the agent said in time still counts

    this.#around.window.leave(this.#outbox.clear());
    if (why === "cancelled") {
      this.#cancelled = { status: "CANCELLED", error: detail };
      if (this.#outcome) this.#outcome = this.#cancelled;
      if (!this.#attached) this.#attach(); // nothing else will be said about where to go on
      this.#around.ready(this);
    }
  }

  /** The session is gone: say nothing until a new one has said from where. */
  detach(): void {
    this.#attached = false;
    this.#endTold = this.#endSaid = false;
  }

  /** Where this run stands, for the hello of a new session. */
  resume(): Resume {
    return { runId: this.runId, fence: this.fence, nextSeq: BigInt(this.#outbox.lowest) };
  }

  /** The plane has all output before `nextSeq`; after a hello this is also the word to go on. */
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

  /** A heartbeat is sent. An end told a whole interval ago and not acknowledged is told again, with its output. */
  beat(): void {
    if (!this.#attached || !this.#endTold) return;
    this.#beatsWaited += 1;
    if (this.#beatsWaited < 2) return;
    this.#tellAgain();
    this.#around.ready(this);
  }

  /** The next message to send in this session, or undefined if there is none for now. */
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
      if (!this.#outcome || this.#outbox.count > 0) return started(this);
    }

    const entry = this.#outbox.take();
    if (entry) return entry.kind === "chunk" ? output(this, entry) : entry.content;
    if (!this.#outcome || this.#endTold || !this.#outbox.allSent) return undefined;

    this.#endTold = this.#endSaid = true;
    const count = this.#outcome.status === "CANCELLED" ? undefined : this.#outbox.count;
    return ended(this, this.#outcome, count, this.#backend);
  }

  /** Speaks in this session too: from the start, unless the plane is known to have heard of it. */
  #attach(): void {
    this.#attached = true;
    // Durable output followed the start, so that is durable too; a cancelled run is past it in any case.
    this.#startTold = this.#outbox.lowest > 0 || this.#cancelled !== undefined;
    this.#tellAgain();
  }

  #tellAgain(): void {
    this.#endTold = false;
    this.#beatsWaited = 0;
    this.#outbox.rewind();
  }

  #perform(agent: ServedAgent, inputJson: string): Promise<Outcome> {
    return outcomeOf(agent, inputJson, this.#context(inputJson));
  }

  /**
   * A message that cannot be written would end the stream, and with it every run of this worker: the run fails
   * instead, and this is what is sent of it, with nothing in it that an agent has said.
   */
  #unwritable(cause: unknown): RunClientMessage {
    const problem = `what the run has to say cannot be sent: ${inWords(cause)}`;
    this.#around.log.error("a report cannot be written: its run fails", { runId: this.runId, problem });
    this.#backend = undefined;
    this.#around.window.leave(this.#outbox.clear());
    this.#outcome = undefined;
    const outcome = this.#fail(problem, "REPORT_INVALID");
    this.#endTold = this.#endSaid = true;
    return ended(this, outcome, undefined, undefined);
  }

  /** Ends the run here and now, whatever its agent still does. */
  #fail(message: string, reason: FailureReason): Outcome {
    this.#outcome ??= failed(message, { retryable: false, reason });
    if (!this.stopped) this.#abort.abort(new RunStopped("cancelled", `${reason}: ${message}`));
    this.#around.ready(this);
    return this.#outcome;
  }

  #context(inputJson: string): AgentContext {
    const { runId, fence } = this;
    const { signal } = this.#abort;
    return contextFor(
      { ...this.#assignment, inputJson },
      {
        signal,
        log: logWith(this.#around.log, { runId, taskId: this.#assignment.taskId }),
        write: (text, metadata) => this.#says.write(text, metadata),
        note: (frame, bytes) => this.#says.note(frame, bytes),
        backendUsed: (backend) => {
          if (!this.#outcome) this.#backend = backend;
        },
        fetchResult: (stepName) => this.#around.readResult({ runId, fence, stepName }, signal),
      },
    );
  }
}
