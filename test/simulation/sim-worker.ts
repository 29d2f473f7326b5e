import type { RunId, TaskId, WorkerId } from "#domain/id";
import type { RunStatus } from "#domain/task/run";
import { millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { WorkerReport } from "#ports/plane";
import { programOf } from "./journals/program.js";
import { SimAgent } from "./journals/sim-agent.js";
import { contentOf } from "./mirror.js";
import { answerOf } from "./sim-flows.js";
import type { SimWorld } from "./sim-world.js";
import { Stream } from "./stream.js";
import { TERMS } from "./terms.js";

interface RunInHand {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly fence: number;
  /** Chunks it will write, and has written. */
  readonly total: number;
  made: number;
  /** Does not end while the storm lasts. */
  readonly hangs: boolean;
  /** The next to send; undefined until the plane has said from where, after a reconnect. */
  next: number | undefined;
  /** Chunks before it are durable and forgotten. */
  acked: number;
  ending: Extract<RunStatus, "COMPLETED" | "FAILED" | "CANCELLED"> | "YIELDED" | "SUSPENDED" | undefined;
  /** What it does before it writes its last chunk, if it journals that. */
  agent: SimAgent | undefined;
  /** What it says when it has completed, as JSON text. */
  readonly result: string;
  reported: boolean;
}

/** A worker stops its runs by itself at this part of the lease after it last sent an acknowledged heartbeat. */
const SELF_FENCE_MS = (TERMS.lease * 5) / 6;
const NO_ANSWER_MS = 12_000;

/**
 * An honest worker: buffers output until it is acknowledged, resumes, declines now and then, and stops by
 * itself when it has not been heard for too long. It can be killed and paused.
 */
export class SimWorker {
  readonly #world: SimWorld;
  readonly id: string;
  readonly #protocol: 0 | 1;
  readonly #runs = new Map<RunId, RunInHand>();
  /** Everything it has said, for those who repeat it. */
  readonly said: WorkerReport[] = [];
  readonly assignedEver = new Set<RunId>();
  /** What each of its Runs says when it has completed. */
  readonly results = new Map<RunId, string>();
  #generation = 0;
  #pausedUntil = 0;
  #stream: Stream | undefined;
  #welcome = false;
  #lastOrdinal = 0;
  #beat = 0;
  readonly #beatsSent = new Map<number, number>();
  #heardAt = 0;
  #answeredAt = 0;

  constructor(world: SimWorld, id: string, protocol: 0 | 1) {
    this.#world = world;
    this.id = id;
    this.#protocol = protocol;
  }

  /** The session in which it can be assigned Runs now, and with which process. */
  get at(): Stream["at"] {
    return this.#welcome && this.#pausedUntil <= this.#world.clock.now() ? this.#stream?.at : undefined;
  }

  /** It knows nothing of journals. */
  get isPublic(): boolean {
    return this.#protocol === 0;
  }

  start(): void {
    this.#connect();
    this.#tick();
  }

  /** Everything it knew is gone; another process begins later. */
  crash(): void {
    this.#generation += 1;
    this.#runs.clear();
    this.#stream?.close();
    this.#stream = undefined;
    this.#world.note(`${this.id} crashed`);
    const backAfter = this.#world.dice.between(100, 60_000);
    const generation = this.#generation;
    this.#world.after(backAfter, () => {
      if (generation === this.#generation) this.start();
    });
  }

  pause(ms: number): void {
    this.#pausedUntil = this.#world.clock.now() + ms;
    this.#world.note(`${this.id} paused ${ms}`);
  }

  cut(): void {
    this.#stream?.cut();
  }

  /** Later, unless it has crashed in between; while it is paused, after that. */
  #after(ms: number, then: () => void): void {
    const generation = this.#generation;
    const fire = () => {
      if (generation !== this.#generation) return;
      const wait = this.#pausedUntil - this.#world.clock.now();
      if (wait > 0) this.#world.after(wait, fire);
      else then();
    };
    this.#world.after(ms, fire);
  }

  #connect(): void {
    const generation = this.#generation;
    const mine = (then: () => void) => {
      if (generation === this.#generation) this.#after(0, then);
    };
    const stream = Stream.open(this.#world, {
      frame: (frame) => mine(() => this.#stream === stream && this.#hear(frame)),
      closed: () => mine(() => this.#stream === stream && this.#lost()),
    });
    if (!stream) {
      this.#after(this.#world.dice.between(100, 2_000), () => this.#connect());
      return;
    }

    this.#stream = stream;
    this.#welcome = false;
    this.#lastOrdinal = 0;
    this.#beatsSent.clear();
    this.#heardAt = this.#world.clock.now();
    this.#answeredAt = this.#heardAt;
    if (this.#protocol === 0) this.#runs.clear();
    const resume = [...this.#runs.values()].map((run) => {
      run.next = undefined;
      run.reported = false;
      run.agent?.reconnect();
      return { runId: run.runId, fence: run.fence, nextSeq: run.acked };
    });
    const agents = [{ name: "echo", description: "", labels: {}, backends: [] }];
    const workerId = this.id as WorkerId;
    this.#say({
      type: "hello",
      info: { workerId, hostname: "", version: "", agents, labels: {}, namespaces: [] },
      protocol: this.#protocol,
      instance: this.#protocol === 0 ? "" : `${this.id}-${this.#generation}`,
      capacity: this.#world.weather.capacity,
      resume,
    });
  }

  #lost(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#after(this.#world.dice.between(50, 3_000), () => this.#connect());
  }

  #say(report: WorkerReport): void {
    this.#stream?.say(report);
    if (this.said.push(report) > 50) this.said.shift();
  }

  #tick(): void {
    const now = this.#world.clock.now();
    if (this.#silentFor > SELF_FENCE_MS && this.#runs.size > 0 && this.#protocol === 1) {
      this.#world.note(`${this.id} stops by itself`);
      this.#runs.clear();
    }
    const silent = this.#protocol === 1 && now - this.#answeredAt > NO_ANSWER_MS;
    if (this.#stream && silent) this.#lost();
    else if (this.#stream && (this.#welcome || this.#protocol === 0)) this.#sendBeat(now);
    this.#after(TERMS.heartbeat, () => this.#tick());
  }

  /** How long ago it last said something that was answered. */
  get #silentFor(): number {
    return this.#world.clock.now() - this.#heardAt;
  }

  #sendBeat(now: number): void {
    this.#beat += 1;
    this.#beatsSent.set(this.#beat, now);
    const ours = this.#protocol === 1;
    const held = { runIds: [...this.#runs.keys()], lastOrdinal: this.#lastOrdinal };
    const workerId = this.id as WorkerId;
    const beat = ours ? this.#beat : 0;
    this.#say({ type: "heartbeat", workerId, status: "IDLE", beat, ...(ours && { held }) });
  }

  #hear(frame: WorkerFrame): void {
    this.#answeredAt = this.#world.clock.now();
    switch (frame.type) {
      case "welcome":
        this.#welcome = true;
        return;
      case "ack.heartbeat":
        this.#heardAt = Math.max(this.#heardAt, this.#beatsSent.get(frame.beat) ?? 0);
        return;
      case "assign":
        this.#lastOrdinal = Math.max(this.#lastOrdinal, frame.ordinal);
        this.#take(frame);
        return;
      case "ack.output":
        this.#outputIsDurable(frame.runId, frame.nextSeq);
        return;
      case "ack.status":
        this.#runs.delete(frame.runId);
        return;
      case "ack.usage":
        this.#runs.get(frame.runId)?.agent?.counted(frame.nextSeq);
        return;
      case "ack.journal":
        this.#runs.get(frame.runId)?.agent?.acked(frame.nextSeq);
        return;
      case "cancel":
        this.#stop(frame.runId);
        return;
      case "drain":
        return;
    }
  }

  #take(frame: Extract<WorkerFrame, { type: "assign" }>): void {
    const { runId, taskId, stepName, fence } = frame;
    if (this.assignedEver.has(runId)) this.#world.broken ??= new Error(`run ${runId} was assigned twice`);
    this.assignedEver.add(runId);
    const { dice, weather, faulty } = this.#world;
    if (faulty && this.#protocol === 1 && dice.chance(weather.declines)) {
      this.#say({ type: "decline", runId, reason: "not now" });
      return;
    }
    const total = dice.between(0, 6);
    const hangs = dice.chance(weather.hangs);
    const result = answerOf(stepName, dice) ?? JSON.stringify(runId);
    this.results.set(runId, result);
    const nothing = { hangs, made: 0, acked: 0, ending: undefined, reported: false, result };
    const run: RunInHand = { runId, taskId, fence, total, next: 0, ...nothing, agent: undefined };
    run.agent = this.#agentOf(run, frame);
    this.#runs.set(runId, run);
    this.#say(this.#status(run, "RUNNING"));
    this.#work(run);
  }

  /** What it does in durable steps; nothing if it has none. */
  #agentOf(run: RunInHand, frame: Extract<WorkerFrame, { type: "assign" }>): SimAgent | undefined {
    const { runId } = frame;
    const ops = this.#protocol === 1 ? programOf(this.#world, frame) : undefined;
    if (!ops) return undefined;
    const mayFinish = () => this.#runs.get(runId) === run && this.#silentFor <= SELF_FENCE_MS;
    const agent = new SimAgent(this.#world, frame, ops, {
      // The plane knows of the Run in this session, and of the session not long ago.
      mayBegin: () => mayFinish() && run.next !== undefined && !run.ending,
      mayFinish,
      later: (ms, then) => this.#after(ms, then),
      rested: () => this.#flush(run),
    });
    this.#world.begin(agent.begin());
    return agent;
  }

  #work(run: RunInHand): void {
    const { dice, weather } = this.#world;
    this.#after(dice.between(10, run.agent ? 1_500 : 4_000), () => {
      if (this.#runs.get(run.runId) !== run || run.ending) return;
      if (run.agent && !run.agent.isOver) this.#goOn(run, run.agent);
      else if (run.made < run.total) run.made += 1;
      else if (this.#world.faulty && run.hangs) return this.#work(run);
      else if (this.#protocol === 1 && this.#world.faulty && dice.chance(weather.yields))
        run.ending = "YIELDED";
      else run.ending = dice.chance(weather.fails) ? "FAILED" : "COMPLETED";
      this.#flush(run);
      this.#work(run);
    });
  }

  /** An agent with durable steps fails now and then between two of them, and ends while it only waits. */
  #goOn(run: RunInHand, agent: SimAgent): void {
    const { dice, weather, faulty } = this.#world;
    if (dice.chance(weather.fails * 0.1) || agent.mismatch) run.ending = "FAILED";
    else if (faulty && run.made < run.total && dice.chance(0.2)) run.made += 1;
    else agent.go();
    if (agent.inDoubt) run.ending = "FAILED";
    if (agent.waits.length > 0) run.ending = "SUSPENDED";
  }

  /** Sends what can be sent: records, output, and once it is all out, how the run ended. */
  #flush(run: RunInHand): void {
    if (!this.#stream || run.next === undefined) return;
    for (; run.next < run.made; run.next += 1) {
      const content = contentOf(run.runId, run.next);
      const { runId, fence, next: seq } = run;
      this.#say({ type: "output", runId, fence, seq, content, isFinal: false, metadata: {}, sentAt: 0 });
    }
    for (const report of run.agent?.unsent() ?? []) this.#say(report);
    if (!run.ending || run.reported || run.agent?.isActing) return;
    run.reported = true;
    const { runId, fence, ending } = run;
    if (ending === "SUSPENDED") this.#suspend(run);
    else if (ending === "YIELDED") this.#say({ type: "yield", runId, fence, cursor: "1", output: "" });
    else this.#say(this.#status(run, ending));
    if (this.#protocol === 0) this.#runs.delete(run.runId);
  }

  #suspend({ runId, fence, agent }: RunInHand): void {
    const { waits = [], count = 0 } = agent ?? {};
    this.#say({ type: "suspend", runId, fence, entries: waits, journalCount: count });
  }

  #status({ runId, fence, made, result, agent }: RunInHand, status: RunStatus): WorkerReport {
    const retryAfter = millis(0);
    const output = status === "COMPLETED" ? result : "";
    const outputCount = status === "COMPLETED" && this.#protocol === 1 ? { outputCount: made } : {};
    const own = this.#protocol === 1 ? { fence } : {};
    const isHeld = status === "FAILED" && agent?.inDoubt === true;
    return {
      type: "status",
      runId,
      status,
      errorMessage: "",
      backend: null,
      output,
      retryAfter,
      ...own,
      ...outputCount,
      ...(isHeld && { reason: "IN_DOUBT", retryable: false }),
    };
  }

  #outputIsDurable(runId: RunId, nextSeq: number): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    run.acked = Math.max(run.acked, nextSeq);
    if (run.next !== undefined) return;
    run.next = nextSeq; // the plane has said from where
    this.#flush(run);
  }

  #stop(runId: RunId): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    run.ending ??= "CANCELLED";
    run.next = run.made;
    run.reported = false;
    this.#flush(run);
  }
}
