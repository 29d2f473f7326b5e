import type { NodeId } from "#domain/id";
import { NodeGone } from "#domain/node";
import type { Commit, Store } from "#ports/store";
import { sharedMemory } from "#stores/memory/shared";
import { BrokerDouble } from "../../runtime/kit/broker-double.js";
import { BrokenPromise } from "../mirror.js";
import { SimWorld } from "../sim-world.js";
import { SimNode } from "./node.js";
import { type NodesWeather, nodesWeatherOf } from "./weather.js";

/** A world of several nodes over one store and one broker, all on one clock. */
export class NodesWorld extends SimWorld {
  readonly weather: NodesWeather;
  readonly memory = sharedMemory(() => this.clock.now());
  readonly brokers: BrokerDouble;
  /** By machine: the process that runs there, if one does. */
  readonly #machines: (SimNode | undefined)[];
  #births = 0;
  readonly #applied = new Set<string>();
  /** Nodes that have lost their lease to another. */
  readonly #takenOver = new Set<NodeId | "">();
  storeGoneUntil = 0;

  /** @param given what of the weather is not left to chance */
  constructor(seed: number, given: Partial<NodesWeather> = {}) {
    super(seed);
    this.weather = { ...nodesWeatherOf(this.dice, seed), ...given };
    this.brokers = new BrokerDouble(this.clock, this.dice.draw);
    this.brokers.weather = this.weather.broker;
    this.#machines = Array.from({ length: this.weather.nodes }, () => undefined);
  }

  /** Clients and workers have the addresses of all machines, and try any. */
  get up(): SimNode | undefined {
    const node = this.#machines[this.dice.between(0, this.#machines.length - 1)];
    return node?.ready ? node : undefined;
  }

  get durable(): Store {
    return this.memory.whole;
  }

  /** Those that serve. */
  get live(): readonly SimNode[] {
    return this.#machines.flatMap((node) => (node?.ready ? [node] : []));
  }

  /** True if every machine has a process that serves, goes on, and reaches the store. */
  get isWell(): boolean {
    const { live } = this;
    return live.length === this.machines && live.every((node) => !node.life.awake && node.reachesStore);
  }

  get machines(): number {
    return this.#machines.length;
  }

  at(machine: number): SimNode | undefined {
    return this.#machines[machine];
  }

  /** Starts a process on a machine that has none, again and again until it serves. */
  async start(machine: number): Promise<void> {
    if (this.#machines[machine]) return;
    this.#births += 1;
    const node = new SimNode(this, machine, this.#births);
    this.#machines[machine] = node;
    try {
      await node.start();
      this.note(`${node.name} is up`);
    } catch (error) {
      this.note(`${node.name} did not start: ${error}`);
      this.#gone(node, 500);
    }
  }

  /** A process is killed, and another one begins on its machine later. */
  kill(machine: number): void {
    const node = this.#machines[machine];
    if (!node) return;
    this.note(`${node.name} killed`);
    this.#gone(node, this.dice.chance(0.2) ? 40_000 : 3_000);
  }

  /** A node has stopped because it was on its own for too long, or the store has refused it. */
  stoppedByItself(node: SimNode, error: Error): void {
    this.note(`${node.name} stopped by itself: ${error.message}`);
    this.mirror.marks.add(`node stopped by itself: ${error instanceof NodeGone ? "gone" : "alone"}`);
    if (!node.wasCutOff) this.broken ??= error;
    this.#gone(node, 3_000);
  }

  /** One node has taken over another, which may write nothing from now on. */
  tookOver(dead: NodeId | "", by: NodeId): void {
    if (dead === "" || this.#takenOver.has(dead)) return;
    this.note(`${dead.slice(-6)} taken over by ${by.slice(-6)}`);
    this.mirror.marks.add("node taken over");
    this.#takenOver.add(dead);
  }

  /** What has landed in the store, each commit once. */
  committed(turn: Commit, node: SimNode): void {
    if (this.#applied.has(turn.id)) return;
    this.#applied.add(turn.id);
    this.note(
      `${node.name} commit ${turn.tasks.length} ${turn.steps.length} ${turn.runs.length} ${turn.log.length}`,
    );
    this.check(() => {
      const isPast = node.id !== undefined && this.#takenOver.has(node.id);
      if (isPast) throw new BrokenPromise(`${node.name} writes after it was taken over`);
      this.mirror.apply(turn);
    });
  }

  #gone(node: SimNode, mostMs: number): void {
    node.die();
    const machine = this.#machines.indexOf(node);
    if (machine < 0) return;
    this.#machines[machine] = undefined;
    this.after(this.dice.between(10, mostMs), () => void this.start(machine));
  }
}
