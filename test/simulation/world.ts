import type { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { LeaseTerms } from "#domain/worker/worker";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Inspection } from "#ports/inspection";
import type { Plane } from "#ports/plane";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { memoryStore } from "#stores/memory/index";
import { cachingStore } from "#stores/shared/caching-store";
import { seededEntropy, VirtualClock } from "#testing/virtual-time";
import { type Life, mortalClock, mortalStore } from "../runtime/kit/mortal.js";
import { type Dice, diceOf } from "./dice.js";
import { Mirror } from "./mirror.js";
import { simSchemas } from "./sim-schemas.js";
import { simStore } from "./sim-store.js";
import { type Weather, weatherOf } from "./weather.js";

export const TERMS: LeaseTerms = {
  lease: millis(30_000),
  heartbeat: millis(5_000),
  publicLease: millis(90_000),
};

/** One process of the plane, from its start until it is killed. */
export interface Incarnation {
  readonly plane: Plane;
  readonly supervisor: Supervisor;
  readonly life: Life;
  /** Resolves when the process is killed. */
  readonly death: Promise<"dead">;
  readonly die: () => void;
}

/** What a worker's machine is told of its stream. */
export interface StreamEars {
  frame(frame: WorkerFrame): void;
  closed(fault: Fault | undefined): void;
}

/** A whole world on one clock: a plane, a store that survives it, and a trace of what happened. */
export class World {
  readonly clock = new VirtualClock(1_000_000_000);
  readonly dice: Dice;
  readonly weather: Weather;
  readonly mirror = new Mirror();
  readonly #inner = memoryStore();
  readonly #remembers: boolean;
  readonly #inspect: ((world: World) => Inspection) | undefined;
  #now: Incarnation | undefined;
  /** Processes begun so far. */
  births = 0;
  /** False once the weather has cleared: from then on everything must come to its end. */
  faulty = true;
  broken: unknown;
  #hash = 0x811c9dc5;
  readonly lastNotes: string[] = [];

  /** @param inspect who is told what each process decides; nobody if left out */
  constructor(seed: number, inspect?: (world: World) => Inspection) {
    this.#inspect = inspect;
    this.dice = diceOf(seed);
    this.weather = weatherOf(this.dice);
    this.#remembers = this.dice.chance(0.5);
  }

  /** The plane that is up, if one is. */
  get up(): Incarnation | undefined {
    return this.#now;
  }

  get inner() {
    return this.#inner;
  }

  after(ms: number, then: () => void): void {
    this.clock.wakeAt(instant(this.clock.now() + ms), then);
  }

  sleep(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.after(ms, resolve));
  }

  /** One line of the trace; two runs of one seed must have the same. */
  note(what: string): void {
    const line = `${this.clock.now() - 1_000_000_000} ${what}`;
    for (let i = 0; i < line.length; i += 1) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193) >>> 0;
    }
    this.lastNotes.push(line);
    if (this.lastNotes.length > 60) this.lastNotes.shift();
  }

  get trace(): string {
    return this.#hash.toString(16);
  }

  /** A broken promise ends the run of this world. */
  check(oracle: () => void): void {
    try {
      oracle();
    } catch (error) {
      this.broken ??= error;
    }
  }

  async start(): Promise<void> {
    const life: Life = { alive: true };
    let die = () => {};
    const death = new Promise<"dead">((resolve) => {
      die = () => resolve("dead");
    });
    this.births += 1;
    const entropy = seededEntropy(this.dice.between(0, 2 ** 31), () => this.clock.now());
    const mortal = mortalStore(simStore(this.#inner, this, this.mirror, life), life);
    const supervisor = new Supervisor({
      store: this.#remembers ? cachingStore(mortal) : mortal,
      clock: mortalClock(this.clock, life),
      entropy,
      telemetry: silentTelemetry(),
      schemas: simSchemas(this, life),
      terms: TERMS,
      mailbox: this.weather.mailbox,
      ...(this.#inspect && { inspection: this.#inspect(this) }),
      onFatal: (error) => {
        this.broken ??= error;
      },
    });
    const incarnation = { plane: openPlane(supervisor), supervisor, life, death, die };
    await supervisor.start();
    this.note(`plane ${this.births} is up`);
    this.#now = incarnation;
  }

  /** SIGKILL, at whatever it was waiting for. */
  kill(): void {
    if (!this.#now) return;
    this.note("plane killed");
    this.#now.life.alive = false;
    this.#now.die();
    this.#now = undefined;
  }

  taskEnded(taskId: TaskId): boolean {
    const state = this.mirror.tasks.get(taskId)?.state;
    return state === "complete" || state === "error" || state === "cancelled";
  }
}
