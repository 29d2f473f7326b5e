import type { TaskId } from "#domain/id";
import { isOver } from "#domain/task/run";
import { hasEnded } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import { memoryStore } from "#stores/memory/index";
import { seededEntropy } from "#testing/virtual-time";
import { auditTask } from "./audit-task.js";
import { type BenchPlane, startBench } from "./bench-plane.js";
import type { AssignFrame, BenchWorker } from "./bench-worker.js";
import { type Flow, fate, INPUT, itemsOf, replyOf } from "./random-flows.js";
import { Reference } from "./reference.js";
import { answer, begin } from "./workflow-bench.js";

/** How a Task of a random template came to its end. */
export interface Lived {
  readonly end: Reference["end"];
  /** Steps it had in the end, and Runs that were handed out. */
  readonly steps: number;
  readonly runs: number;
  /** The most words that were said in one turn. */
  readonly atOnce: number;
}

/** More than this and it would never end. */
const BEATS_MOST = 5_000;
/** As long as a timer takes, and at least as long as any backoff: no second one can pass in it. */
const WAKE_MS = 500;

/**
 * Lets the plane and the interpreter live through the same Task, word for word, and compares them whenever the
 * plane is at rest: who has been handed to a worker, with what, and all there is to count.
 *
 * @param cancelAfter so many beats; never if left out
 * @throws {Error} saying what differs
 */
export async function live(flow: Flow, seed: number, cancelAfter = Number.POSITIVE_INFINITY): Promise<Lived> {
  const dice = seededEntropy(seed);
  const bench = await startBench(memoryStore(), { audit: false });
  const worker = bench.worker("w1", { capacity: 1_000 });
  await bench.settle();
  const reference = new Reference(flow.body.steps, itemsOf(flow));
  const steps = shuffled(flow.body.steps, dice.draw);
  const { task } = await begin(bench, { ...flow.body, steps }, { input: INPUT });
  const pair = new Pair(bench, worker, reference, task.id);

  let atOnce = 0;
  for (let beat = 0; beat < BEATS_MOST; beat += 1) {
    await pair.compare();
    if (reference.end !== "") break;
    if (beat === cancelAfter) {
      // Some words are already on their way.
      const late = pair.some(dice.draw);
      const said = Promise.all([bench.cancel(task.id), ...late.map((frame) => pair.say(flow, frame, false))]);
      reference.end = "cancelled";
      await said;
    } else if (pair.held.size === 0 || dice.draw() < 0.05) {
      await bench.pass(WAKE_MS, worker);
      reference.wake();
    } else {
      const said = pair.some(dice.draw);
      atOnce = Math.max(atOnce, said.length);
      // All of them before the plane can take the first: they are decided in one turn.
      await Promise.all(said.map((frame) => pair.say(flow, frame, true)));
      if (dice.draw() < 0.1) await Promise.all(pair.past.slice(-2).map((frame) => pair.repeat(flow, frame)));
    }
  }
  if (reference.end === "") throw new Error(`not over after ${BEATS_MOST} beats`);
  for (const frame of pair.held.values()) await pair.say(flow, frame, false);
  await bench.pass(WAKE_MS, worker);
  await pair.compare();
  await pair.compareEnd();
  return { end: reference.end, steps: reference.nodes.size, runs: pair.runs, atOnce };
}

/** The plane and the interpreter, side by side. */
class Pair {
  /** What the worker has in hand. */
  readonly held = new Map<string, AssignFrame>();
  readonly past: AssignFrame[] = [];
  runs = 0;
  readonly #bench: BenchPlane;
  readonly #worker: BenchWorker;
  readonly #reference: Reference;
  readonly #taskId: TaskId;

  constructor(bench: BenchPlane, worker: BenchWorker, reference: Reference, taskId: TaskId) {
    this.#bench = bench;
    this.#worker = worker;
    this.#reference = reference;
    this.#taskId = taskId;
  }

  /** One or more of those in hand, in any order. */
  some(draw: () => number): AssignFrame[] {
    const all = shuffled([...this.held.values()], draw);
    return draw() < 0.4 ? all : all.slice(0, 1 + Math.floor(draw() * 3));
  }

  /** @param counts false if the Task has ended, or is about to */
  say(flow: Flow, frame: AssignFrame, counts: boolean): Promise<void> {
    const { stepName: name } = frame;
    const word = fate(flow, this.#reference, name);
    if (counts) {
      this.held.delete(name);
      this.past.push(frame);
      this.#reference.say(name, word);
    }
    return answer(this.#worker, frame, replyOf(flow, name, word));
  }

  /** A word once more that was heard already. */
  repeat(flow: Flow, frame: AssignFrame): Promise<void> {
    return answer(this.#worker, frame, replyOf(flow, frame.stepName, { ok: true }));
  }

  async compare(): Promise<void> {
    await this.#bench.settle();
    for (const frame of this.#worker.assignments()) this.#take(frame);
    if (this.#reference.end === "") agree("in hand", [...this.held.keys()], this.#reference.ready());
    const wrong = await auditTask(this.#bench.store, this.#taskId);
    if (wrong.length > 0) throw new Error(wrong.join("\n"));
  }

  /** Each attempt is handed out once, with the results of what it waited for. */
  #take(frame: AssignFrame): void {
    const { stepName: name, attempt, fence } = frame;
    if (this.#reference.end !== "") throw new Error(`${name} is handed out after the end`);
    if (this.held.has(name)) throw new Error(`${name} is handed out twice`);
    const node = this.#reference.nodes.get(name);
    const { tries, yields } = node ?? { tries: 0, yields: 0 };
    agree(`attempt and fence of ${name}`, [attempt, fence], [tries + 1, tries + yields + 1]);
    this.held.set(name, frame);
    this.runs += 1;
    const { given, failed } = this.#reference.results(name);
    agree(`results for ${name}`, Object.keys(frame.results), given);
    agree(`failures told to ${name}`, frame.failed, failed);
  }

  async compareEnd(): Promise<void> {
    const detail = await this.#bench.store.reads.task(this.#taskId);
    if (!detail) throw new Error("the task is gone");
    const { end, nodes } = this.#reference;
    agree("end of the task", [detail.task.state], [end]);
    agree(
      "steps",
      detail.steps.map(({ name }) => name),
      [...nodes.keys()],
    );
    for (const { name, state, attempts } of detail.steps) {
      const node = nodes.get(name);
      const settled = node?.state === "complete" || node?.state === "error";
      agree(`end of ${name}`, [state], [settled ? node.state : "cancelled"]);
      if (settled && node.plan.type !== "timer" && node.plan.type !== "map")
        agree(`tries of ${name}`, [attempts], [node.tries]);
    }
    const live = detail.runs.filter(({ status, heldBy }) => !isOver(status) || heldBy !== "");
    agree(
      "live runs",
      live.map(({ stepName }) => stepName),
      [],
    );
    await this.#compareLog();
  }

  /** The log tells of each begin and each end once, and ends with the Task. */
  async #compareLog(): Promise<void> {
    const log = await this.#bench.log(this.#taskId);
    const settled = log.flatMap((line) =>
      line.type === "step" && hasEnded(line.step.state) ? line.step.name : [],
    );
    agree("ends told", settled, [...this.#reference.nodes.keys()]);
    const begun = log.filter((line) => line.type === "run" && line.run.status === "ASSIGNED");
    agree("runs told", [`${begun.length}`], [`${this.runs}`]);
    const last = log.at(-1);
    if (last?.type !== "task" || !isTerminal(last.state))
      throw new Error("the log does not end with the task");
  }
}

function agree(what: string, is: readonly unknown[], shouldBe: readonly unknown[]): void {
  const [one, other] = [[...is].map(String).sort(), [...shouldBe].map(String).sort()];
  if (one.join() === other.join()) return;
  const more = one.filter((each) => !other.includes(each));
  const less = other.filter((each) => !one.includes(each));
  throw new Error(
    `${what}: the plane alone says [${more}], the interpreter alone [${less}], of ${other.length}`,
  );
}

function shuffled<Item>(items: readonly Item[], draw: () => number): Item[] {
  return items
    .map((item) => ({ item, place: draw() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
