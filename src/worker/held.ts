import { limits } from "#domain/limits";
import type { Log } from "#ports/telemetry";
import type { RunClientMessage } from "#wire/gen/taskrun/v1/run_service_pb";
import type { StopCause } from "./agent-error.js";
import type { Assignment } from "./assignment.js";
import { decline, type Resume } from "./frames.js";
import type { InputReader } from "./input-reader.js";
import type { ResultReader } from "./result-reader.js";
import { Run } from "./run.js";
import type { ServedAgent } from "./served-agent.js";
import { after } from "./timers.js";
import { Window } from "./window.js";

export interface HeldRunsOptions {
  readonly agents: readonly ServedAgent[];
  readonly maxRuns: number;
  /** Bytes of output of all runs that may be under way. */
  readonly windowBytes: number;
  readonly log: Log;
  /** There may be something to send. */
  readonly poke: () => void;
  /** The result of a step, as JSON text; see {@link ResultReader.read}. */
  readonly readResult: ResultReader["read"];
  /** The input of a run, as JSON text; see {@link InputReader.read}. */
  readonly readInput: InputReader["read"];
  /** The last run has left our hands. */
  readonly emptied: () => void;
}

interface Held {
  readonly run: Run;
  readonly clearDeadline: () => void;
}

/** The runs in this worker's hands: what it takes, what it refuses, and whose turn it is to speak. */
export class HeldRuns {
  readonly #agents: ReadonlyMap<string, ServedAgent>;
  readonly #options: HeldRunsOptions;
  readonly #window: Window;
  readonly #held = new Map<string, Held>();
  /** Runs with something to send; each says one thing at a time. */
  readonly #ready = new Set<Run>();
  readonly #former = new Set<string>();
  readonly #declines: RunClientMessage[] = [];
  /** Agents at work, including those that were told to stop and have not: they take a place all the same. */
  #working = 0;
  #refusal = "";

  constructor(options: HeldRunsOptions) {
    this.#options = options;
    this.#agents = new Map(options.agents.map((agent) => [agent.name, agent]));
    this.#window = new Window(options.windowBytes);
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

  /** From now on every assignment is declined, with this reason. */
  refuse(reason: string): void {
    this.#refusal = reason;
  }

  /**
   * Starts the run, or declines it. A repeat of an earlier assignment does neither.
   *
   * @param leftMs until the task's deadline; undefined means there is none
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

  /** The plane wants the run stopped, or says that it is not ours. One we do not hold is none of our business. */
  cancel(runId: string, reason: string): void {
    const run = this.#held.get(runId)?.run;
    if (!run) return;
    if (run.endTold) this.#forget(runId);
    else run.stop("cancelled", reason);
  }

  acknowledgeOutput(runId: string, nextSeq: number, creditBytes: number | undefined): void {
    this.#held.get(runId)?.run.acknowledgeOutput(nextSeq, creditBytes);
  }

  /** The run's end is recorded: let go of it. */
  acknowledgeEnd(runId: string): void {
    if (this.#held.get(runId)?.run.endTold) this.#forget(runId);
  }

  /** Stops every run and lets go of it, without another word about it. */
  giveUp(why: StopCause, detail: string): void {
    for (const [runId, { run }] of [...this.#held]) {
      run.stop(why, detail);
      this.#forget(runId);
    }
  }

  /** Declines every run and lets go of it. The plane sees from the next heartbeat that we hold none. */
  handBack(reason: string): void {
    for (const runId of this.#held.keys()) this.#decline(runId, reason);
    this.giveUp("shutdown", reason);
  }

  /** A heartbeat is sent. */
  beat(): void {
    for (const { run } of this.#held.values()) run.beat();
  }

  /** The stream is gone; what was declined on it is no longer ours to decline. */
  detach(): void {
    this.#declines.length = 0;
    for (const { run } of this.#held.values()) run.detach();
  }

  resume(): Resume[] {
    return [...this.#held.values()].map(({ run }) => run.resume());
  }

  nextDecline(): RunClientMessage | undefined {
    return this.#declines.shift();
  }

  /** What a run says next: they take turns, so that a talkative one holds up no other. */
  nextReport(): RunClientMessage | undefined {
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
      window: this.#window,
      readResult: this.#options.readResult,
      readInput: this.#options.readInput,
      ready: (speaker) => this.#wake(speaker),
    });
    const overdue = (): void => run.stop("deadline", "the task's time is up");
    const clearDeadline = leftMs === undefined ? () => {} : after(leftMs + limits.deadlineSlack, overdue);
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
