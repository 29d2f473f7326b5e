import { defaultStaleTerms } from "#config/index";
import type { NodeId } from "#domain/id";
import { silentTelemetry } from "#host/silent-telemetry";
import type { Broker } from "#ports/broker";
import type { StartableClock } from "#ports/clock";
import { openPlane } from "#runtime/plane";
import { Supervisor } from "#runtime/supervisor";
import { cachingStore } from "#stores/shared/caching-store";
import { seededEntropy } from "#testing/virtual-time";
import { type Life, mortalClock } from "../../runtime/kit/mortal.js";
import { nodeClock } from "../../runtime/nodes/kit/node-clock.js";
import { simSchemas } from "../sim-schemas.js";
import type { Incarnation } from "../sim-world.js";
import { TERMS } from "../terms.js";
import { connection } from "./connection.js";
import type { NodesWorld } from "./world.js";

/** One process of a node, from its start until it is killed or stops by itself. */
export class SimNode implements Incarnation {
  readonly name: string;
  readonly life: Life = { alive: true };
  readonly death: Promise<"dead">;
  readonly supervisor: Supervisor;
  readonly plane: Incarnation["plane"];
  readonly #world: NodesWorld;
  readonly #broker: Broker | undefined;
  #die = () => {};
  #goOn = () => {};
  #storeCutUntil = 0;
  /** It has stood still, or has not reached the store: then it may have to stop by itself. */
  wasCutOff = false;
  /** Why it has stopped by itself. */
  stopped: Error | undefined;
  ready = false;
  /** As the store knows it, once it has joined. */
  id: NodeId | undefined;

  constructor(world: NodesWorld, machine: number, birth: number) {
    this.#world = world;
    this.name = `n${machine}.${birth}`;
    this.death = new Promise((resolve) => {
      this.#die = () => resolve("dead");
    });
    const { dice, weather } = world;
    const rate = 1 + (2 * dice.draw() - 1) * weather.clockRate;
    const wallAhead = Math.round((2 * dice.draw() - 1) * weather.wallAheadMs);
    const clock: StartableClock = mortalClock(nodeClock(world.clock, { rate, wallAhead }), this.life);
    const store = connection(world.memory.open(), world, this);
    this.#broker = weather.brokerless ? undefined : world.brokers.join();
    this.supervisor = new Supervisor({
      store: weather.caches ? cachingStore(store) : store,
      clock,
      entropy: seededEntropy(dice.between(0, 2 ** 31), () => clock.now()),
      telemetry: silentTelemetry(),
      schemas: simSchemas(world, this.life),
      terms: TERMS,
      mailbox: weather.mailbox,
      ...(this.#broker && { broker: this.#broker }),
      onFatal: (error) => this.#fatal(error),
    });
    this.plane = openPlane(this.supervisor, defaultStaleTerms);
  }

  get reachesStore(): boolean {
    const now = this.#world.clock.now();
    return now >= this.#storeCutUntil && now >= this.#world.storeGoneUntil;
  }

  /** Resolves when it serves; rejects if it could not begin, and then it is dead. */
  async start(): Promise<void> {
    try {
      await this.supervisor.start();
      this.ready = true;
    } catch (error) {
      this.die();
      throw error;
    }
  }

  /** SIGKILL, at whatever it was waiting for. */
  die(): void {
    if (!this.life.alive) return;
    this.life.alive = false;
    this.ready = false;
    this.#goOn();
    void this.#broker?.close();
    this.#die();
  }

  /** SIGSTOP, and SIGCONT after a while. */
  pause(ms: number): void {
    if (this.life.awake || !this.life.alive) return;
    this.wasCutOff = true;
    this.life.awake = new Promise((resolve) => {
      this.#goOn = () => {
        this.life.awake = undefined;
        resolve();
      };
    });
    this.#world.after(ms, () => this.#goOn());
  }

  cutFromStore(ms: number): void {
    this.wasCutOff = true;
    this.#storeCutUntil = this.#world.clock.now() + ms;
  }

  cutFromBroker(ms: number): void {
    const broker = this.#broker;
    if (!broker) return;
    this.#world.brokers.cut(broker);
    this.#world.after(ms, () => this.life.alive && this.#world.brokers.mend(broker));
  }

  #fatal(error: Error): void {
    if (!this.life.alive) return;
    this.stopped = error;
    this.#world.stoppedByItself(this, error);
  }
}
