import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import { isTerminal, type TaskDraft, type TaskSpec } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import type { Plane } from "#ports/plane";
import { seededEntropy } from "#testing/virtual-time";
import { draftOf } from "../runtime/kit/bench-plane.js";
import type { WantedSignal } from "./journals/outside.js";
import { Person } from "./journals/person.js";
import { someFlow, templatesOf } from "./sim-flows.js";
import { atWork, type Incarnation, type SimWorld } from "./sim-world.js";

/** A client gives up waiting for an answer after this, and asks again. */
const PATIENCE_MS = 5_000;

/** What it has seen of one Task's log. */
export interface Watch {
  readonly taskId: TaskId;
  readonly entries: LogEntry[];
  ended: boolean;
  /** Since when it waits for more, of a process that is there; undefined while it does something else. */
  waits: { readonly since: number; readonly at: Incarnation } | undefined;
}

/** How the idempotency keys of its Tasks begin. */
export const KEY_PREFIX = "key-";

/** Asks again until it is answered, and remembers every word it was given. */
export class SimClient {
  readonly #world: SimWorld;
  readonly #spanMs: number;
  readonly #uuid: () => string;
  /** Acknowledged Tasks by key. */
  readonly created = new Map<string, TaskId>();
  readonly cancelled = new Set<TaskId>();
  readonly watched: Watch[] = [];
  #unanswered = 0;
  /** How many of the signals that agents have asked for. */
  #answered = 0;

  /** @param spanMs the time in which it asks for something new, and how long after it cancels, signals, watches */
  constructor(world: SimWorld, spanMs = 60_000) {
    this.#world = world;
    this.#spanMs = spanMs;
    this.#uuid = seededEntropy(world.dice.between(0, 2 ** 31), () => world.clock.now()).uuid;
  }

  /** True while something asked for has not been answered. */
  get waiting(): boolean {
    return this.#unanswered > 0;
  }

  begin(): void {
    const { world } = { world: this.#world };
    const { dice, weather } = world;
    if (weather.journals > 0) this.#answerAgents();
    if (weather.journals > 0) new Person(world).begin();
    for (let i = 0; i < weather.tasks; i += 1) {
      world.after(dice.between(0, this.#spanMs), () => {
        const key = `${KEY_PREFIX}${i}`;
        const flow = dice.chance(weather.workflows) ? someFlow(dice, weather.journals > 0) : undefined;
        const spec = { ...this.#someSpec(key), ...flow?.spec };
        world.begin(this.#create(key, spec, flow?.rest));
        if (dice.chance(0.3)) world.begin(this.#create(key, spec, flow?.rest));
        if (flow && dice.chance(weather.signals))
          world.after(dice.between(1, this.#spanMs), () => world.begin(this.#signal(key)));
        if (dice.chance(weather.cancels))
          world.after(dice.between(1, this.#spanMs), () => world.begin(this.#cancel(key)));
        if (dice.chance(0.4)) world.after(dice.between(0, this.#spanMs), () => world.begin(this.#watch(key)));
      });
    }
  }

  #someSpec(key: string): Partial<TaskSpec> {
    const { dice, clock } = this.#world;
    return {
      idempotencyKey: key,
      fingerprint: key,
      maxAttempts: dice.between(1, 4),
      maxLosses: dice.chance(0.5) ? dice.between(0, 4) : null,
      priority: dice.between(-5, 5),
      timeoutMs: millis(dice.chance(0.3) ? dice.between(500, 60_000) : 0),
      startAt: dice.chance(0.2) ? instant(clock.now() + dice.between(1, 30_000)) : NEVER,
    };
  }

  /** The answer, or undefined if there was none in time; a Fault that is not for asking again breaks the world. */
  async #ask<Answer>(request: (plane: Plane) => Promise<Answer>): Promise<Answer | Fault | undefined> {
    const { up } = this.#world;
    if (!up) return undefined;
    const timeout = this.#world.sleep(PATIENCE_MS).then(() => undefined);
    const answer = atWork(up, () => request(up.plane)).catch((error: unknown) => {
      if (error instanceof Fault) return error;
      throw error;
    });
    const first = await Promise.race([answer, up.death, timeout]);
    return first === "dead" ? undefined : (first as Answer | Fault | undefined);
  }

  async #create(
    key: string,
    spec: Partial<TaskSpec>,
    rest: Partial<Pick<TaskDraft, "plan" | "input">> = {},
  ): Promise<void> {
    const world = this.#world;
    const draft = draftOf(this.#uuid() as TaskId, spec, { namespace: "default", ...rest });
    this.#unanswered += 1;
    if (rest.plan) await this.#register();
    for (;;) {
      const answer = world.up && (await this.#ask((plane) => plane.submit(LOCAL_CALLER, [draft])));
      const one = Array.isArray(answer) ? answer[0] : answer;
      if (one instanceof Fault) {
        if (one.again === "never") world.broken ??= one;
      } else if (one) {
        const taskId = one.task.id as TaskId;
        const known = this.created.get(key) ?? taskId;
        if (known !== taskId) world.broken ??= new Error(`${key} is ${known} and ${taskId}`);
        this.created.set(key, taskId);
        world.check(() => world.mirror.checkCreated(taskId));
        world.note(`created ${key}`);
        break;
      }
      await world.sleep(world.dice.between(100, 1_000));
    }
    this.#unanswered -= 1;
  }

  /** All templates, again and again until each was acknowledged. */
  async #register(): Promise<void> {
    const world = this.#world;
    for (const template of templatesOf(world.weather.journals > 0)) {
      for (;;) {
        const answer = world.up && (await this.#ask((plane) => plane.register(LOCAL_CALLER, template)));
        if (answer instanceof Fault && answer.again === "never") world.broken ??= answer;
        if (answer && !(answer instanceof Fault)) break;
        await world.sleep(world.dice.between(100, 1_000));
      }
    }
  }

  /** Sends what agents wait for, each when it comes to it. */
  #answerAgents(): void {
    const world = this.#world;
    for (const wanted of world.outside.wanted.slice(this.#answered)) {
      this.#answered += 1;
      world.after(world.dice.between(0, 10_000), () => world.begin(this.#send(wanted)));
    }
    world.after(world.dice.between(500, 3_000), () => this.#answerAgents());
  }

  /** A payload for the step that waits for one. */
  async #signal(key: string): Promise<void> {
    const taskId = this.created.get(key);
    if (taskId) await this.#send({ taskId, name: "gate", payload: '"go"', requestId: "" });
  }

  /** Until it was taken, or refused for good. */
  async #send({ taskId, name, payload, requestId }: WantedSignal): Promise<void> {
    const world = this.#world;
    this.#unanswered += 1;
    for (;;) {
      const answer =
        world.up &&
        (await this.#ask((plane) => plane.signal(LOCAL_CALLER, taskId, name, payload, "", requestId)));
      if (answer && (!(answer instanceof Fault) || answer.again === "never")) break;
      await world.sleep(world.dice.between(100, 1_000));
    }
    this.#unanswered -= 1;
  }

  async #cancel(key: string): Promise<void> {
    const world = this.#world;
    const taskId = this.created.get(key);
    if (!taskId) return;
    this.#unanswered += 1;
    for (;;) {
      const answer = world.up && (await this.#ask((plane) => plane.cancel(LOCAL_CALLER, taskId, "enough")));
      if (answer instanceof Fault && answer.again === "never") {
        world.check(() => world.mirror.checkRefusedCancel(taskId, answer));
        break;
      }
      if (answer && !(answer instanceof Fault)) {
        world.check(() => world.mirror.checkCancelled(taskId));
        this.cancelled.add(taskId);
        world.note(`cancelled ${key}`);
        break;
      }
      await world.sleep(world.dice.between(100, 1_000));
    }
    this.#unanswered -= 1;
  }

  /** Watches to the end, however often the plane dies, from where it was. */
  async #watch(key: string): Promise<void> {
    const world = this.#world;
    const taskId = this.created.get(key);
    if (!taskId) return;
    const seen: LogEntry[] = [];
    const watch: Watch = { taskId, entries: seen, ended: false, waits: undefined };
    this.watched.push(watch);
    while (!watch.ended) {
      const { up } = world;
      if (up) {
        const log = up.plane.watch(LOCAL_CALLER, taskId, seen.length, new AbortController().signal);
        const slices = log[Symbol.asyncIterator]();
        for (;;) {
          watch.waits = { since: world.clock.now(), at: up };
          const next = await Promise.race([slices.next().catch(toRetry), up.death]);
          watch.waits = undefined;
          if (next === "dead" || next instanceof Fault) break;
          if (next.done) {
            watch.ended = true;
            break;
          }
          const { firstSeq, entries } = next.value;
          if (firstSeq !== seen.length + 1) world.broken ??= new Error(`a watcher jumped to ${firstSeq}`);
          seen.push(...entries);
          const last = entries.at(-1);
          if (last?.type === "task" && isTerminal(last.state)) watch.ended = true;
          if (world.dice.chance(0.1)) await world.sleep(world.dice.between(0, 20_000));
        }
      }
      await world.sleep(500);
    }
  }
}

/** The Fault, if what failed may be tried again. */
function toRetry(error: unknown): Fault {
  if (error instanceof Fault && error.again !== "never") return error;
  throw error;
}
