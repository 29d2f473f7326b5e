import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { DurableContext } from "../agent/durable.js";
import type { StopCause } from "../agent/error.js";
import type { ServedAgent } from "../agent/served-agent.js";
import { unknownToServer } from "../journal/unknown.js";
import { decline, type Resume } from "../protocol/frames.js";
import { DURABLE_PROTOCOL } from "../protocol/journal-frames.js";
import type { WorkerTime } from "../timers.js";
import type { Assignment } from "./assignment.js";
import type { InputReader } from "./input-reader.js";
import type { JournalReader } from "./journal-reader.js";
import type { ResultReader } from "./result-reader.js";
import { Run } from "./run.js";
import { UsageOutbox } from "./usage-outbox.js";
import { Window } from "./window.js";

export interface HeldRunsOptions {
  readonly agents: readonly ServedAgent[];
  readonly maxRuns: number;
  /** Bound of the unacknowledged output of all Runs together. */
  readonly windowBytes: number;
  readonly time: WorkerTime;
  readonly log: Log;
  /** Called when there may be something to send. */
  readonly poke: () => void;
  readonly readResult: ResultReader["read"];
  readonly readInput: InputReader["read"];
  readonly readJournal: JournalReader["read"];
  /** What the server understands, by its last welcome. */
  readonly serverProtocol: () => number;
  /** Called when the last Run is released. */
  readonly emptied: () => void;
}

interface Held {
  readonly run: Run;
  readonly clearDeadline: () => void;
}

/**
 * The Runs that this Worker holds: takes or declines assignments, enforces the capacity, and merges the Runs' reports
 * into one sequence, round-robin.
 */
export class HeldRuns {
  readonly #agents: ReadonlyMap<string, ServedAgent>;
  readonly #options: HeldRunsOptions;
  readonly #window: Window;
  readonly #held = new Map<string, Held>();
  /** Runs that may have something to send, in the order of their turns. */
  readonly #ready = new Set<Run>();
  readonly #former = new Set<string>();
  readonly #usage: UsageOutbox;
  readonly #unknown: DurableContext;
  /** Declines, and starts that have to be known before them. */
  readonly #declines: RunClientMessage[] = [];
  /** Agents that have not returned, including those of stopped Runs: each takes a slot until it does. */
  #working = 0;
  #refusal = "";

  constructor(options: HeldRunsOptions) {
    this.#options = options;
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    this.#window = new Window(options.windowBytes);
    this.#usage = new UsageOutbox(options.log);
    this.#unknown = unknownToServer(options.log);
  }

  get size(): number {
    return this.#held.size;
  }

  get ids(): string[] {
    return [...this.#held.keys()];
  }

  get refusing(): boolean {
    return this.#refusal !== "";
  }

  /** Declines every assignment from now on, with this reason. */
  refuse(reason: string): void {
    this.#refusal = reason;
  }

  /**
   * Starts the Run or declines it. A repeated assignment is ignored.
   *
   * @param leftMs milliseconds until the deadline; undefined if there is none
   */
  take(assignment: Assignment, leftMs: number | undefined): void {
    const { runId } = assignment;
    if (this.#held.has(runId) || this.#former.has(runId)) return;
    const agent = this.#agents.get(assignment.agentName);
    if (!agent) this.#decline(runId, this.#unknownAgent(assignment.agentName));
    else if (this.refusing) this.#decline(runId, this.#refusal);
    else if (this.#working >= this.#options.maxRuns) {
      this.#decline(runId, `all ${this.#options.maxRuns} places are taken`);
    } else this.#begin(assignment, agent, leftMs);
  }

  /** Declines an assignment that is not for this session, or not any more. One of a Run that is or was here is ignored. */
  turnAway(runId: string, reason: string): void {
    if (!this.#held.has(runId) && !this.#former.has(runId)) this.#decline(runId, reason);
  }

  /** Stops a Run that the server has cancelled, or releases it if its end was reported. An unknown Run is ignored. */
  cancel(runId: string, reason: string): void {
    const run = this.#held.get(runId)?.run;
    if (!run) return;
    if (run.endTold) this.#forget(runId);
    else run.stop("cancelled", reason);
  }

  acknowledgeOutput(runId: string, nextSeq: number, creditBytes: number | undefined): void {
    this.#held.get(runId)?.run.acknowledgeOutput(nextSeq, creditBytes);
  }

  /** @param childId the Task that the last of the records has begun, or empty */
  acknowledgeJournal(runId: string, nextSeq: number, childId: string): void {
    this.#held.get(runId)?.run.acknowledgeJournal(nextSeq, childId);
  }

  /** Also of a Run that is not held any more. */
  acknowledgeUsage(runId: string, nextSeq: number): void {
    if (this.#usage.acknowledge(runId, nextSeq)) this.#options.poke();
  }

  /** Releases a Run whose end the server has recorded. */
  acknowledgeEnd(runId: string): void {
    if (this.#held.get(runId)?.run.endTold) this.#forget(runId);
  }

  /** Stops and releases every Run, without reporting anything more about it. */
  giveUp(why: StopCause, detail: string): void {
    for (const [runId, { run }] of [...this.#held]) {
      run.stop(why, detail);
      this.#forget(runId);
    }
  }

  /**
   * Declines, stops and releases every Run, after its start is reported: of a Run that was only declined the server believes
   * that nothing was done. The next heartbeat tells it that none is held.
   */
  handBack(reason: string): void {
    for (const [runId, { run }] of this.#held) {
      const start = run.startReport();
      if (start) this.#declines.push(start);
      this.#decline(runId, reason);
    }
    this.giveUp("shutdown", reason);
  }

  /** Call it when a heartbeat is sent. */
  beat(): void {
    for (const { run } of this.#held.values()) run.beat();
  }

  /** Call it when the stream has ended. Unsent declines are dropped: they concern assignments of that stream. */
  detach(): void {
    this.#declines.length = 0;
    this.#usage.rewind();
    for (const { run } of this.#held.values()) run.detach();
  }

  resume(): Resume[] {
    return [...this.#held.values()].map(({ run }) => run.resume());
  }

  nextDecline(): RunClientMessage | undefined {
    return this.#declines.shift();
  }

  /** Returns the next report, or undefined. Runs take turns, so that one with much output does not delay the others. */
  nextReport(): RunClientMessage | undefined {
    const usage = this.#usage.next();
    if (usage) return usage;
    for (const run of this.#ready) {
      this.#ready.delete(run);
      const report = run.next();
      if (report === undefined) continue;
      this.#ready.add(run);
      return report;
    }
    return undefined;
  }

  #begin(assignment: Assignment, agent: ServedAgent, leftMs: number | undefined): void {
    const run = new Run(assignment, {
      log: this.#options.log,
      time: this.#options.time,
      window: this.#window,
      readResult: this.#options.readResult,
      readInput: this.#options.readInput,
      readJournal: this.#options.readJournal,
      unknown: () => (this.#options.serverProtocol() < DURABLE_PROTOCOL ? this.#unknown : undefined),
      used: (key, seq, used) => {
        this.#usage.add(key, seq, used);
        this.#options.poke();
      },
      ready: (speaker) => this.#wake(speaker),
    });
    const overdue = (): void => run.stop("deadline", "the task's time is up");
    const clearDeadline =
      leftMs === undefined ? () => {} : this.#options.time.after(leftMs + limits.deadlineSlack, overdue);
    this.#held.set(run.runId, { run, clearDeadline });
    this.#working += 1;
    void run.start(agent).then(() => {
      this.#working -= 1;
      clearDeadline();
    });
  }

  #wake(run: Run): void {
    if (this.#held.get(run.runId)?.run !== run) return;
    this.#ready.add(run);
    this.#options.poke();
  }

  #forget(runId: string): void {
    const held = this.#held.get(runId);
    if (!held) return;
    held.clearDeadline();
    this.#ready.delete(held.run);
    this.#held.delete(runId);
    this.#former.add(runId);
    if (this.#former.size > limits.formerRuns) {
      for (const oldest of this.#former) {
        this.#former.delete(oldest);
        break;
      }
    }
    if (this.#held.size === 0) this.#options.emptied();
  }

  #decline(runId: string, reason: string): void {
    if (this.#declines.length >= limits.unsentDeclines) return; // the next heartbeat says that we do not hold it
    this.#options.log.info("run declined", { runId, reason });
    this.#declines.push(decline(runId, reason));
    this.#options.poke();
  }

  #unknownAgent(name: string): string {
    return `no agent "${name}" here; this worker has ${[...this.#agents.keys()].join(", ")}`;
  }
}
