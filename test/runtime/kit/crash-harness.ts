import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { RunId, TaskId } from "#domain/id";
import type { Json } from "#domain/json/json";
import { isTerminal } from "#domain/task/task";
import type { TemplateBody } from "#domain/template/template";
import type { Store, TaskDetail } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { VirtualClock } from "#testing/virtual-time";
import { auditStore } from "./audit-task.js";
import { type BenchPlane, startBench } from "./bench-plane.js";
import type { AssignFrame, BenchWorker } from "./bench-worker.js";
import { storeDouble } from "./store-double.js";
import { type Agent, answer, begin, type Reply, register } from "./workflow-bench.js";

/** When a process dies: right before or right after a commit, counted from 1 in each process. */
export interface Death {
  readonly commit: number;
  readonly when: "before" | "after";
}

/** What happens around one Task. */
export interface Story {
  readonly body: TemplateBody;
  readonly others?: readonly TemplateBody[];
  readonly input?: Json;
  readonly agent: Agent;
  /** What clients ask for, one after the other, each as soon as the Task is so far; repeated until answered. */
  readonly commands?: readonly Ask[];
}

export interface Ask {
  readonly once: (detail: TaskDetail) => boolean;
  readonly what: (bench: BenchPlane, taskId: TaskId) => Promise<unknown>;
}

export interface AddressedMessage {
  /** Every Task in the end, with each Step's state, attempts and result; children and undoing Tasks after it. */
  readonly end: readonly string[];
  /** How often the agent was begun for each Step. */
  readonly ran: ReadonlyMap<string, number>;
  /** Commits of the first process. */
  readonly commits: number;
  /** Processes it took. */
  readonly lives: number;
}

/** Longer than any of the stories takes. */
const BEATS_MOST = 1_000;
const PASS_MS = 500;
/** From a death to the next start. */
const AWAY_MS = 1_000;

/** Lives through the story over all these deaths, one a process, and audits every row in the end. */
export async function tell(story: Story, deaths: readonly Death[] = []): Promise<AddressedMessage> {
  const lives = new Lives(memoryStore(), deaths);
  const worker = new Steadfast(story.agent);
  const client = new Insistent(story);
  for (let beat = 0; beat < BEATS_MOST; beat += 1) {
    const bench = await lives.now((started) => worker.connect(started));
    await client.ask(bench);
    const busy = await worker.work(bench);
    if (lives.dead) continue;
    if (client.done && !busy && (await allEnded(bench.store))) {
      const end = await ends(bench.store, client.taskId);
      const wrong = await auditStore(bench.store);
      if (wrong.length > 0) throw new Error(wrong.join("\n"));
      return { end, ran: worker.ran, commits: lives.commitsOfFirst, lives: lives.count };
    }
    if (!busy) await bench.pass(PASS_MS, ...worker.link);
  }
  throw new Error("the story never ends");
}

/** One process of the plane after the other, over one store. */
class Lives {
  readonly #inner: Store;
  readonly #deaths: Death[];
  readonly #clock = new VirtualClock(1_000_000);
  #bench: BenchPlane | undefined;
  #commits = 0;
  count = 0;
  commitsOfFirst = 0;

  constructor(inner: Store, deaths: readonly Death[]) {
    this.#inner = inner;
    this.#deaths = [...deaths];
  }

  get dead(): boolean {
    return this.#bench === undefined;
  }

  async now(born: (bench: BenchPlane) => Promise<void>): Promise<BenchPlane> {
    if (this.#bench) return this.#bench;
    if (this.count > 0) await this.#clock.advance(AWAY_MS);
    this.count += 1;
    this.#commits = 0;
    const store: Store = { ...storeDouble(this.#inner), commit: (turn) => this.#commit(turn) };
    const bench = await startBench(store, { clock: this.#clock, seed: this.count, audit: false });
    this.#bench = bench;
    await born(bench);
    return bench;
  }

  async #commit(turn: Parameters<Store["commit"]>[0]): ReturnType<Store["commit"]> {
    this.#commits += 1;
    if (this.count === 1) this.commitsOfFirst = this.#commits;
    const [next] = this.#deaths;
    if (this.#commits !== next?.commit) return this.#inner.commit(turn);
    this.#deaths.shift();
    if (next.when === "after") await this.#inner.commit(turn);
    this.#bench?.kill();
    this.#bench = undefined;
    return new Promise(() => {});
  }
}

/** A worker that outlives the plane: it shows what it has in hand, and says its last words until they are heard. */
class Steadfast {
  readonly ran = new Map<string, number>();
  readonly #agent: Agent;
  readonly #held = new Map<RunId, { readonly frame: AssignFrame; readonly reply: Reply; said: number }>();
  #worker: BenchWorker | undefined;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  get link(): BenchWorker[] {
    return this.#worker ? [this.#worker] : [];
  }

  async connect(bench: BenchPlane): Promise<void> {
    const resume = [...this.#held.values()].map(({ frame: { runId, fence } }) => ({
      runId,
      fence,
      nextSeq: 0,
    }));
    this.#worker = bench.worker("w1", { capacity: 20, resume });
    for (const run of this.#held.values()) run.said = Math.max(0, run.said - 1);
    await bench.settle();
  }

  /** Hears everything, then says one word; false if there was nothing to hear or say. */
  async work(bench: BenchPlane): Promise<boolean> {
    await bench.settle();
    const worker = this.#worker as BenchWorker;
    const frames = worker.frames.splice(0);
    for (const frame of frames) {
      if (frame.type === "assign") this.#take(frame);
      else if (frame.type === "ack.status") this.#held.delete(frame.runId);
      else if (frame.type === "cancel" && this.#held.has(frame.runId)) {
        this.#held.delete(frame.runId);
        await worker.report(frame.runId, "CANCELLED");
      }
    }
    const next = [...this.#held.values()].find(({ said }) => said < 2);
    if (next) {
      next.said += 1;
      if (next.said === 1) await worker.report(next.frame.runId, "RUNNING");
      else await answer(worker, next.frame, next.reply);
    }
    await bench.settle();
    return next !== undefined || frames.some(({ type }) => type !== "ack.heartbeat");
  }

  #take(frame: AssignFrame): void {
    const { stepName, runId } = frame;
    this.ran.set(stepName, (this.ran.get(stepName) ?? 0) + 1);
    const reply = this.#agent(frame, JSON.parse(frame.input));
    this.#held.set(runId, { frame, reply, said: 0 });
  }
}

/** A client that asks again whenever it was not answered. */
class Insistent {
  readonly #story: Story;
  readonly #open: Ask[];
  #taskId: TaskId | undefined;
  /** It has asked at least once, and does not know whether that landed. */
  #asking = false;

  constructor(story: Story) {
    this.#story = story;
    this.#open = [...(story.commands ?? [])];
  }

  get taskId(): TaskId {
    if (!this.#taskId) throw new Error("the task was never acknowledged");
    return this.#taskId;
  }

  get done(): boolean {
    return this.#taskId !== undefined && this.#open.length === 0;
  }

  async ask(bench: BenchPlane): Promise<void> {
    if (!this.#taskId) return this.#create(bench);
    const [next] = this.#open;
    if (!next) return;
    const detail = await bench.store.reads.task(this.#taskId);
    this.#asking ||= detail !== undefined && next.once(detail);
    if (!this.#asking || !(await answered(bench, () => next.what(bench, this.taskId)))) return;
    this.#asking = false;
    this.#open.shift();
  }

  async #create(bench: BenchPlane): Promise<void> {
    const { body, others = [], input = {} } = this.#story;
    for (const other of others) if (!(await answered(bench, () => register(bench, other)))) return;
    const known = { idempotencyKey: "story", fingerprint: "story" };
    await answered(bench, async () => {
      this.#taskId = (await begin(bench, body, { input, ...known })).task.id;
    });
  }
}

/** False if the process died before it could answer. */
async function answered(bench: BenchPlane, ask: () => Promise<unknown>): Promise<boolean> {
  let done = false;
  let failure: unknown;
  ask().then(
    () => {
      done = true;
    },
    (error: unknown) => {
      failure = error;
    },
  );
  // A registration and a creation, each a turn of its own.
  for (let turns = 0; turns < 3 && !done; turns += 1) await bench.settle();
  // What it asked for has come to pass, though nobody could tell it so.
  if (failure instanceof Fault && failure.code === "wrong_state") return true;
  if (failure !== undefined) throw failure;
  return done;
}

async function allEnded({ reads }: Store): Promise<boolean> {
  const { tasks } = await reads.tasks({ namespaces: "*" }, undefined, 100);
  return tasks.every(({ state }) => isTerminal(state));
}

/** A Task, and the Tasks that belong to it. */
async function ends(store: Store, taskId: TaskId): Promise<string[]> {
  const detail = await store.reads.task(taskId);
  if (!detail) return ["unknown"];
  const { task, steps } = detail;
  const lines = [`${task.state} ${task.errorMessage}`.trimEnd()];
  const linked = [
    ...steps.flatMap(({ childId }) => childId || []),
    ...(task.compensatedBy ? [task.compensatedBy] : []),
  ];
  for (const { name, state, attempts } of steps) {
    const output = await store.reads.output({ taskId, stepName: name });
    lines.push(`${name} ${state} ${attempts} ${output ?? ""}`.trimEnd());
  }
  const { entries } = await store.reads.log(taskId, 0, 1_000_000);
  const kept = entries.filter((line) => line.type === "step" && line.step.state === "complete").length;
  const endings = entries.filter((line) => line.type === "task" && isTerminal(line.state)).length;
  lines.push(`${kept} results kept, ${endings} end`);
  for (const id of linked) for (const line of await ends(store, id)) lines.push(`  ${line}`);
  return lines;
}

/** A cancel as soon as a worker has begun with the Step. */
export function cancelDuring(stepName: string): Ask {
  return {
    once: ({ runs }) => runs.some((run) => run.stepName === stepName && run.status === "RUNNING"),
    what: (bench, taskId) => bench.cancel(taskId),
  };
}

/** A signal as soon as there is a Step that waits for it. */
export function signalTo(stepName: string): Ask {
  return {
    once: ({ steps }) => steps.some(({ name, state }) => name === stepName && state === "in_progress"),
    what: (bench, taskId) => bench.plane.signal(LOCAL_CALLER, taskId, stepName, '{"by":"ann"}'),
  };
}
