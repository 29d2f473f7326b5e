import type { RunId, TaskId } from "#domain/id";
import { isTerminal } from "#domain/task/task";
import { memoryStore } from "#stores/memory/index";
import { seededEntropy } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./bench-plane.js";
import type { AssignFrame, BenchWorker } from "./bench-worker.js";
import { Ledger, type Place } from "./charges.js";
import { bodies, inner, leaf, opaque, shapes } from "./charging-flows.js";
import { answer, begin, register } from "./workflow-bench.js";

/** A Run in a worker's hands, and how far its agent has come. */
interface Held {
  readonly frame: AssignFrame;
  readonly place: Place;
  readonly refunds: Place | undefined;
  began: boolean;
  stopped: boolean;
  /** It never heeds a cancel. */
  readonly deaf: boolean;
}

/** A worker process, and what it believes it holds. */
class Process {
  readonly held = new Map<RunId, Held>();
  readonly id: string;
  link: BenchWorker;
  lastOrdinal = 0;
  isDead = false;

  constructor(id: string, link: BenchWorker) {
    this.id = id;
    this.link = link;
  }
}

const WORKERS = 3;

/** Tasks that charge, on a plane in virtual time, with workers to which all kinds of things happen. */
export class ChargingWorld {
  readonly bench: BenchPlane;
  readonly ledger = new Ledger();
  readonly roots: TaskId[] = [];
  readonly #draw: () => number;
  readonly #processes: Process[] = [];
  #made = 0;

  private constructor(bench: BenchPlane, seed: number) {
    this.bench = bench;
    this.#draw = seededEntropy(seed).draw;
  }

  static async start(seed: number): Promise<ChargingWorld> {
    const bench = await startBench(memoryStore(), { seed, audit: false });
    const world = new ChargingWorld(bench, seed);
    for (const body of [leaf, inner, opaque]) await register(bench, body);
    for (let i = 0; i < WORKERS; i += 1) world.#connect();
    await bench.settle();
    return world;
  }

  /** Lets so many Tasks begin, and as much happen to them as there is room for; then all comes to its end. */
  async live(count: number): Promise<readonly string[]> {
    for (let i = 0; i < count; i += 1) {
      const { task } = await begin(this.bench, this.#pick(shapes));
      this.roots.push(task.id);
    }
    for (let i = 0; i < count * 3; i += 1) await this.#move();
    for (const id of this.roots) if (this.#draw() < 0.6) await this.#cancel(id);
    return this.#conclude();
  }

  async #move(): Promise<void> {
    await this.#listen();
    const luck = this.#draw();
    if (luck < 0.2) await this.#cancel(this.#pick(this.roots));
    else if (luck < 0.24) this.#die();
    else if (luck < 0.28) this.#reconnect();
    else if (luck < 0.4) await this.#pass(this.#pick([100, 500, 3_000, 40_000]));
    else
      for (const process of this.#living())
        for (const held of [...process.held.values()]) await this.#act(process, held);
  }

  /** Reads what the plane has sent. Assignments are taken, and stopped Runs marked. */
  async #listen(): Promise<void> {
    await this.bench.settle();
    for (const process of this.#living()) {
      for (const frame of process.link.frames.splice(0)) {
        if (frame.type === "assign") await this.#take(process, frame);
        if (frame.type === "cancel") {
          const held = process.held.get(frame.runId);
          if (held) held.stopped = true;
        }
      }
    }
  }

  async #take(process: Process, frame: AssignFrame): Promise<void> {
    process.lastOrdinal = frame.ordinal;
    const { compensate } = JSON.parse(frame.input);
    const refunds = compensate && { taskId: compensate.task_id, stepName: compensate.step };
    const place = refunds ?? (await this.#placeOf(frame));
    const deaf = !refunds && this.#draw() < 0.05;
    process.held.set(frame.runId, { frame, place, refunds, began: false, stopped: false, deaf });
    if (!refunds) this.ledger.at(place);
  }

  /** The Step that is charged for: its own, or the one above it that has the compensation. */
  async #placeOf({ taskId, stepName }: AssignFrame): Promise<Place> {
    await this.#know(taskId);
    for (
      let place: Place | null = { taskId, stepName };
      place;
      place = this.ledger.tasks.get(place.taskId)?.parent ?? null
    ) {
      const { stepName: name, taskId: id } = place;
      const step = this.ledger.tasks.get(id)?.steps.find((one) => one.name === name);
      if (step?.compensate) return place;
    }
    throw new Error(`nothing compensates ${taskId}/${stepName}`);
  }

  async #know(id: TaskId): Promise<void> {
    if (this.ledger.tasks.has(id)) return;
    const detail = await this.bench.store.reads.task(id);
    if (!detail) throw new Error(`${id} is gone`);
    const { parent, template: ref } = detail.task.spec;
    this.ledger.tasks.set(id, { id, parent, steps: bodies.get(ref?.name ?? "")?.steps ?? [] });
    if (parent) await this.#know(parent.taskId);
  }

  /** The agent goes on by one: it declines, begins, charges, is handed back, or comes to an end. */
  async #act(process: Process, held: Held, isFriendly = false): Promise<void> {
    const { frame, place, refunds, deaf, stopped } = held;
    const { runId } = frame;
    const luck = isFriendly ? 0.99 : this.#draw();
    if (luck < 0.3 || (stopped && deaf)) return;
    if (!held.began && !refunds && luck < 0.4) {
      process.held.delete(runId);
      this.ledger.at(place).declined += 1;
      return process.link.link.receive({ type: "decline", runId, reason: "no" });
    }
    if (!held.began) {
      held.began = true;
      if (!refunds) this.ledger.begin(place);
      if (!refunds && luck > 0.5) this.ledger.charge(place, runId);
      if (this.#draw() < 0.5) await process.link.report(runId, "RUNNING");
      if (!isFriendly) return;
    }
    process.held.delete(runId);
    if (refunds) {
      this.ledger.refund(refunds);
      return answer(process.link, frame, { result: "refunded" });
    }
    if (stopped) return process.link.report(runId, luck < 0.7 ? "CANCELLED" : "COMPLETED", { output: "1" });
    if (luck < 0.45) return answer(process.link, frame, { cursor: this.#draw() });
    if (luck < 0.5) {
      // Handed back by a worker that shuts down: its start is said first, and what it charged it charged.
      await process.link.report(runId, "RUNNING");
      return process.link.link.receive({ type: "decline", runId, reason: "it shuts down" });
    }
    if (luck < 0.65) {
      this.ledger.takeBack(place, runId);
      return answer(process.link, frame, { error: "no money" });
    }
    this.ledger.charge(place, runId);
    this.ledger.complete(place);
    return answer(process.link, frame, { result: "paid" });
  }

  async #cancel(id: TaskId): Promise<void> {
    await this.bench.settle();
    const detail = await this.bench.store.reads.task(id);
    if (detail && !isTerminal(detail.task.state)) await this.bench.cancel(id);
  }

  #connect(): void {
    this.#made += 1;
    const id = `w${this.#made}`;
    this.#processes.push(new Process(id, this.bench.worker(id, { capacity: 30 })));
  }

  /** What it charged, it charged; nobody hears of it. A Run that refunds is spared, for a refund is counted once. */
  #die(): void {
    const process = this.#pick(this.#living());
    process.isDead = true;
    process.link.link.closed();
    this.#connect();
  }

  /** The connection breaks, and what was on its way is gone; the process shows what it has. */
  #reconnect(): void {
    const process = this.#pick(this.#living());
    process.link.link.closed();
    const resume = [...process.held.values()].map(({ frame: { runId, fence } }) => ({
      runId,
      fence,
      nextSeq: 0,
    }));
    process.link = this.bench.worker(process.id, { capacity: 30, resume });
    process.lastOrdinal = 0;
  }

  #living(): Process[] {
    return this.#processes.filter(({ isDead }) => !isDead);
  }

  async #pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 20_000) {
      await this.bench.clock.advance(Math.min(left, 20_000));
      await this.#listen();
      for (const { link, held, lastOrdinal } of this.#living())
        await link.beat([...held.keys()], lastOrdinal);
    }
  }

  /** Everybody does what is asked, until nothing is left to do. */
  async #conclude(): Promise<readonly string[]> {
    for (let round = 0; round < 60; round += 1) {
      await this.#listen();
      for (const process of this.#living()) {
        for (const held of [...process.held.values()]) await this.#act(process, held, true);
      }
      await this.#pass(20_000);
      if (await this.#isOver()) break;
    }
    const kept = new Map<TaskId, boolean>();
    for (const { place } of this.ledger.charges.values()) await this.#judge(place.taskId, kept);
    const runs = new Map<string, number>();
    for (const id of kept.keys()) {
      const detail = await this.bench.store.reads.task(id);
      for (const { stepName } of detail?.runs ?? []) {
        runs.set(`${id}/${stepName}`, (runs.get(`${id}/${stepName}`) ?? 0) + 1);
      }
    }
    const findings = this.ledger.findings(
      ({ taskId }) => kept.get(taskId) === true,
      ({ taskId, stepName }) => runs.get(`${taskId}/${stepName}`) ?? 0,
    );
    return (await this.#isOver()) ? findings : [...findings, "it does not come to an end"];
  }

  async #isOver(): Promise<boolean> {
    const { tasks } = await this.bench.store.reads.tasks({ namespaces: "*" }, undefined, 10_000);
    return tasks.every(({ state }) => isTerminal(state));
  }

  /** Kept is what a Task did that completed, and is the child that the completed Task above it counts on. */
  async #judge(id: TaskId, kept: Map<TaskId, boolean>): Promise<boolean> {
    const known = kept.get(id);
    if (known !== undefined) return known;
    const task = (await this.bench.store.reads.task(id))?.task;
    const parent = task?.spec.parent;
    const above = parent && (await this.bench.store.reads.task(parent.taskId));
    const counts = above?.steps.find(({ name }) => name === parent?.stepName)?.childId === id;
    const isKept =
      task?.state === "complete" && (!parent || (counts && (await this.#judge(parent.taskId, kept))));
    kept.set(id, isKept);
    return isKept;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#draw() * from.length)] as T;
  }
}
