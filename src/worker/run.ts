import { setMaxListeners } from "node:events";
import { limits } from "#domain/limits";
import { labelsBytes } from "#domain/report";
import type { Labels } from "#domain/task";
import { splitText, utf8Bytes } from "#domain/text";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import { type Agent, AgentError, RunStopped, type StopCause } from "./agent.js";
import type { AgentContext, Backend } from "./agent-context.js";
import type { Assignment } from "./assignment.js";
import { ended, type Outcome, output, type Resume, started } from "./frames.js";
import type { InputReader } from "./input-reader.js";
import { logWith } from "./log.js";
import { Outbox } from "./outbox.js";
import { outcomeOf, outcomeWith } from "./outcome.js";
import type { ResultReader } from "./result-reader.js";
import { contextFor } from "./run-context.js";
import { wall } from "./timers.js";
import type { Window } from "./window.js";

/** What an agent may wait for at once before it looks like a mistake: the result of every step, and some output. */
const WAITS_MAX = limits.taskSteps + 100;

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
  #endTold = false;
  /** Heartbeats since the end was told and not acknowledged. */
  #beatsWaited = 0;
  /** The end has been told again, at once, because output before it was missing. */
  #repeated = false;
  #outcome: Outcome | undefined;
  #cancelled: Outcome | undefined;
  #backend: Backend | undefined;
  #writing: Promise<void> = Promise.resolve();
  #wakeWriter: (() => void) | undefined;
  #outputBytes = 0;

  constructor(assignment: Assignment, around: RunSurroundings) {
    this.runId = assignment.runId;
    this.fence = assignment.fence;
    this.#assignment = assignment;
    this.#around = around;
    setMaxListeners(WAITS_MAX, this.#abort.signal);
  }

  /** Lets the agent work. Resolves when it has ended, however it did; never rejects. */
  async start(agent: Agent): Promise<void> {
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
    this.#outcome = this.#cancelled ?? outcome;
    this.#around.ready(this);
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** The agent has ended, and the plane has been told so in this session. */
  get endTold(): boolean {
    return this.#endTold;
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
    this.#endTold = false;
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
    this.#wakeWriter?.();

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
    if (!this.#startTold) {
      this.#startTold = true;
      if (!this.#outcome || this.#outbox.count > 0) return started(this);
    }

    const entry = this.#outbox.take();
    if (entry) return entry.kind === "chunk" ? output(this, entry) : entry.content;
    if (!this.#outcome || this.#endTold || !this.#outbox.allSent) return undefined;

    this.#endTold = true;
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

  #perform(agent: Agent, inputJson: string): Promise<Outcome> {
    return outcomeOf(agent, inputJson, this.#context(inputJson));
  }

  #context(inputJson: string): AgentContext {
    const { runId, fence } = this;
    const { signal } = this.#abort;
    return contextFor(
      { ...this.#assignment, inputJson },
      {
        signal,
        log: logWith(this.#around.log, { runId, taskId: this.#assignment.taskId }),
        write: (text, metadata) => this.#write(text, metadata),
        note: (content) => this.#note(content),
        backendUsed: (backend) => {
          this.#backend = backend;
        },
        fetchResult: (stepName) => this.#around.readResult({ runId, fence, stepName }, signal),
      },
    );
  }

  #note(content: RunClientMessage): void {
    if (this.stopped || this.#outcome) return;
    const kept = this.#outbox.addNote(content);
    if (!kept) this.#around.log.warn("an event was forgotten: too many wait", { runId: this.runId });
    this.#around.ready(this);
  }

  /** One writer at a time, so that output keeps the order it was called in. */
  #write(text: string, metadata: Labels): Promise<void> {
    const written = this.#writing.then(() => this.#writeNow(text, metadata));
    this.#writing = written.catch(() => {});
    return written;
  }

  async #writeNow(text: string, metadata: Labels): Promise<void> {
    const { signal } = this.#abort;
    for (const piece of splitText(text, limits.chunkBytes)) {
      const written = utf8Bytes(piece);
      const bytes = written + labelsBytes(metadata);
      this.#outputBytes += written;
      if (this.#outputBytes > limits.runOutputBytes) {
        const message = `the run's output is over ${limits.runOutputBytes} bytes`;
        throw new AgentError(message, { retryable: false });
      }
      while (!this.#outbox.hasRoom(bytes)) await this.#room(signal);
      await this.#around.window.enter(bytes, signal);
      if (signal.aborted || this.#outcome) {
        this.#around.window.leave(bytes);
        signal.throwIfAborted();
        return; // written by something the agent left behind
      }
      this.#outbox.add(piece, bytes, metadata, wall());
      this.#around.ready(this);
    }
    signal.throwIfAborted();
  }

  /** Resolves at the next acknowledgement. */
  #room(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const stop = (): void => reject(signal.reason);
      this.#wakeWriter = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
    });
  }
}
