import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { planOf } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { TemplateBody } from "#domain/template/template";
import type { Plane } from "#ports/plane";
import { seededEntropy } from "#testing/virtual-time";
import { draftOf } from "../../runtime/kit/bench-plane.js";
import { BrokenPromise } from "../mirror.js";
import { atWork } from "../sim-world.js";
import { isLinearizable, type Model, type Operation } from "./linearizable.js";
import type { NodesWorld } from "./world.js";

/** One Step that ends by a signal, by an operator, or with its Task: whatever comes first. */
const contested: TemplateBody = {
  name: "contested",
  namespace_name: "default",
  version: "1.0.0",
  steps: [{ name: "gate", type: "signal" }],
};
const plan = planOf(contested, "simulated");
const template = { namespace: "default", name: "contested", version: "1.0.0", body: contested };

type Input = "create" | "get" | "cancel" | "resolve" | "signal a" | "signal b";
type State = "none" | "open" | "signalled a" | "signalled b" | "resolved" | "cancelled";

/** What a client sees of a Task in this state. */
const seen: Record<State, string> = {
  none: "not_found",
  open: "open",
  "signalled a": 'complete "a"',
  "signalled b": 'complete "b"',
  resolved: "complete",
  cancelled: "cancelled",
};
const ends = {
  cancel: "cancelled",
  resolve: "resolved",
  "signal a": "signalled a",
  "signal b": "signalled b",
} as const;

const model: Model<State, Input, string> = {
  initial: "none",
  apply(state, input) {
    if (input === "get") return { state, answer: seen[state] };
    if (input === "create") {
      const created = state === "none" ? "open" : state;
      return { state: created, answer: stateOnly(seen[created]) };
    }
    const end = ends[input];
    if (state === "open") return { state: end, answer: "ok" };
    // The same is asked by the same person: it has been done.
    const isRepeated = input !== "cancel" && state === end;
    return { state, answer: state === "none" ? "not_found" : isRepeated ? "ok" : "wrong_state" };
  },
};

const CLIENTS = 3;
const OPERATIONS = { least: 1, most: 4 };
/** A client gives up waiting for an answer after this. */
const PATIENCE_MS = 5_000;

/** A Task that several clients ask for single operations, each through any node, all at once. */
interface Contested {
  readonly key: string;
  readonly operations: Operation<Input, string>[];
  id: TaskId | undefined;
}

/** Clients who contest a few Tasks, and whether what they were told could have come of one plane alone. */
export class Contest {
  readonly #world: NodesWorld;
  readonly #spanMs: number;
  readonly #tasks: Contested[] = [];
  readonly #uuid: () => string;
  #moment = 0;
  #clients = 0;

  constructor(world: NodesWorld, spanMs: number) {
    this.#world = world;
    this.#spanMs = spanMs;
    this.#uuid = seededEntropy(world.dice.between(0, 2 ** 31), () => world.clock.now()).uuid;
  }

  /** True while a client is not done. */
  get waiting(): boolean {
    return this.#clients > 0;
  }

  begin(): void {
    const { dice, weather } = this.#world;
    for (let i = 0; i < weather.contested; i += 1) {
      const task: Contested = { key: `contested-${i}`, operations: [], id: undefined };
      this.#tasks.push(task);
      const from = dice.between(0, this.#spanMs / 2);
      const thinks = dice.pick([100, 1_000, 5_000]);
      this.#clients += CLIENTS;
      for (let client = 0; client < CLIENTS; client += 1) {
        this.#world.after(from + dice.between(0, thinks), () =>
          this.#world.begin(this.#client(task, thinks)),
        );
      }
    }
  }

  /** @throws if what the clients were told of a Task cannot have happened in any order */
  check(): void {
    for (const { key, operations: all } of this.#tasks) {
      const operations = withoutRepetitions(all);
      if (isLinearizable(operations, model)) continue;
      const story = operations.map(({ input, asked, answered }) => {
        return `${asked}–${answered?.at ?? "?"} ${input}: ${answered?.answer ?? "?"}`;
      });
      throw new BrokenPromise(`${key} is not one task: ${story.join("; ")}`);
    }
  }

  async #client(task: Contested, thinks: number): Promise<void> {
    const { dice } = this.#world;
    await this.#insist(task, "create", thinks);
    for (let left = dice.between(OPERATIONS.least, OPERATIONS.most); left > 0; left -= 1) {
      await this.#world.sleep(dice.between(0, thinks));
      const inputs = ["get", "get", "create", "cancel", "resolve", "signal a", "signal b"] as const;
      await this.#ask(task, dice.pick(inputs));
    }
    await this.#insist(task, "cancel", thinks);
    this.#clients -= 1;
  }

  /** Again until it is answered, each time as one more operation: once in the storm, then when the weather is good. */
  async #insist(task: Contested, input: Input, thinks: number): Promise<void> {
    while (!(await this.#ask(task, input))) {
      await this.#world.sleep(this.#world.dice.between(100, 100 + thinks));
      while (this.#world.faulty) await this.#world.sleep(1_000);
    }
  }

  /** True if it was answered. */
  async #ask(task: Contested, input: Input): Promise<boolean> {
    const world = this.#world;
    const { up } = world;
    if (!up) return false;
    const operation: Operation<Input, string> = { input, asked: this.#moment++ };
    task.operations.push(operation);
    await world.sleep(world.dice.between(0, world.weather.networkMs));
    const answer = await Promise.race([
      atWork(up, () => this.#operate(up.plane, task, input)),
      up.death.then(() => undefined),
      world.sleep(PATIENCE_MS).then(() => undefined),
    ]);
    await world.sleep(world.dice.between(0, world.weather.networkMs));
    if (answer === undefined) return false;
    operation.answered = { at: this.#moment++, answer };
    world.note(`${task.key} ${input}: ${answer}`);
    return true;
  }

  /** The answer as the model has it; undefined if it is to be asked again, and may have happened. */
  async #operate(plane: Plane, task: Contested, input: Input): Promise<string | undefined> {
    try {
      if (input === "create") return await this.#create(plane, task);
      const { id } = task;
      if (id === undefined) throw new Error("nobody has created it");
      if (input === "get") return await get(plane, id);
      if (input === "cancel") await plane.cancel(LOCAL_CALLER, id, "enough");
      else if (input === "resolve") await plane.resolve(LOCAL_CALLER, id, "gate", { type: "resolve" });
      else await plane.signal(LOCAL_CALLER, id, "gate", JSON.stringify(input.slice("signal ".length)));
      return "ok";
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error.again === "never" ? error.code : undefined;
    }
  }

  async #create(plane: Plane, task: Contested): Promise<string> {
    await plane.register(LOCAL_CALLER, { ...template, source: "contested", digest: "contested" });
    const spec = {
      idempotencyKey: task.key,
      fingerprint: task.key,
      agentName: "",
      maxAttempts: 0,
      template: plan.template,
      environment: "simulated",
      isCompensable: plan.isCompensable,
    };
    const [made] = await plane.submit(LOCAL_CALLER, [
      draftOf(this.#uuid() as TaskId, spec, { plan, input: "{}" }),
    ]);
    if (made instanceof Fault || !made) throw made;
    task.id ??= made.task.id;
    if (task.id !== made.task.id) throw new BrokenPromise(`${task.key} is ${task.id} and ${made.task.id}`);
    return shown(made.task);
  }
}

async function get(plane: Plane, taskId: TaskId): Promise<string> {
  const detail = await plane.reads.task(taskId);
  if (!detail) return "not_found";
  const state = shown(detail.task);
  if (state !== "complete") return state;
  return `complete ${(await plane.reads.output({ taskId, stepName: "gate" })) ?? ""}`.trimEnd();
}

function shown({ state }: TaskRow): string {
  return isTerminal(state) ? state : "open";
}

function stateOnly(shownState: string): string {
  return shownState.split(" ")[0] ?? "";
}

/**
 * Without what was never answered and asked before in the same way. Each input changes a Task at most once, so that the first of
 * them can stand for all; and to read what nobody was told changes nothing.
 */
function withoutRepetitions(operations: readonly Operation<Input, string>[]): Operation<Input, string>[] {
  const before = new Set<Input>(["get"]);
  return operations.filter(({ input, answered }) => {
    if (answered) return true;
    const isFirst = !before.has(input);
    before.add(input);
    return isFirst;
  });
}
