import { defaultStaleTerms } from "#config/index";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Inspection } from "#ports/inspection";
import type { Store } from "#ports/store";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { memoryStore } from "#stores/memory/index";
import { cachingStore } from "#stores/shared/caching-store";
import { seededEntropy } from "#testing/virtual-time";
import { type Life, mortalClock, mortalStore } from "../runtime/kit/mortal.js";
import { simSchemas } from "./sim-schemas.js";
import { simStore } from "./sim-store.js";
import { type Incarnation, SimWorld } from "./sim-world.js";
import { TERMS } from "./terms.js";
import { type Weather, weatherOf } from "./weather.js";

/** A whole world on one clock: a plane, a store that survives it, and a trace of what happened. */
export class World extends SimWorld {
  readonly weather: Weather;
  readonly #inner = memoryStore();
  readonly #remembers: boolean;
  readonly #inspect: ((world: World) => Inspection) | undefined;
  #now: Incarnation | undefined;
  /** Processes begun so far. */
  births = 0;

  /** @param inspect who is told what each process decides; nobody if left out */
  constructor(seed: number, inspect?: (world: World) => Inspection) {
    super(seed);
    this.#inspect = inspect;
    this.weather = weatherOf(this.dice, seed);
    this.#remembers = this.dice.chance(0.5);
  }

  /** The plane that is up, if one is. */
  get up(): Incarnation | undefined {
    return this.#now;
  }

  get durable(): Store {
    return this.#inner;
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
    const incarnation = { plane: openPlane(supervisor, defaultStaleTerms), supervisor, life, death, die };
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
}
