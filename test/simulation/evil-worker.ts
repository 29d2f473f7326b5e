import type { RunId, WorkerId } from "#domain/id";
import { runStatuses } from "#domain/task/run";
import { millis } from "#domain/time/time";
import type { WorkerReport } from "#ports/plane";
import { lieOfJournal } from "./journals/lies.js";
import type { SimWorker } from "./sim-worker.js";
import type { SimWorld } from "./sim-world.js";
import { Stream } from "./stream.js";

/** Repeats what others say, makes things up, forgets, and claims runs that are not its own. */
export class EvilWorker {
  readonly #world: SimWorld;
  readonly #victims: readonly SimWorker[];
  #stream: Stream | undefined;
  #gone = false;

  constructor(world: SimWorld, victims: readonly SimWorker[]) {
    this.#world = world;
    this.#victims = victims;
  }

  start(): void {
    const { dice } = this.#world;
    if (this.#gone) return;
    if (!this.#stream) this.#connect();
    this.#stream?.say(this.#somethingEvil());
    this.#world.after(dice.between(50, 2_000), () => this.start());
  }

  leave(): void {
    this.#gone = true;
    this.#stream?.close();
  }

  #connect(): void {
    const ears = {
      frame: () => {},
      closed: () => {
        this.#stream = undefined;
      },
    };
    this.#stream = Stream.open(this.#world, ears, true);
    const { dice } = this.#world;
    const agents = [{ name: dice.pick(["echo", "nobody"]), description: "", labels: {}, backends: [] }];
    const info = {
      workerId: "evil" as WorkerId,
      hostname: "",
      version: "",
      agents,
      labels: {},
      namespaces: [],
    };
    const resume = this.#someRuns().map((runId) => ({
      runId,
      fence: dice.between(0, 3),
      nextSeq: dice.between(0, 3),
    }));
    const instance = dice.pick(["evil-1", "w1-0", ""]);
    this.#stream?.say({ type: "hello", info, protocol: 1, instance, capacity: 2, resume });
  }

  #someRuns(): RunId[] {
    const known = [...this.#world.mirror.runs.keys()];
    return known.length === 0 ? [] : [this.#world.dice.pick(known), this.#world.dice.pick(known)];
  }

  #somethingEvil(): WorkerReport {
    const { dice } = this.#world;
    const said = dice.pick(this.#victims).said;
    const [runId = "made-up" as RunId] = this.#someRuns();
    const fence = dice.between(0, 4);
    switch (dice.between(0, this.#world.weather.journals > 0 ? 9 : 5)) {
      case 0:
      case 1: {
        const overheard = said.length > 0 ? dice.pick(said) : undefined;
        if (overheard && overheard.type !== "hello" && overheard.type !== "heartbeat") return overheard;
        return { type: "decline", runId, reason: "no" };
      }
      case 2: {
        const held = { runIds: this.#someRuns(), lastOrdinal: dice.between(0, 5) };
        return {
          type: "heartbeat",
          workerId: "evil" as WorkerId,
          status: "IDLE",
          beat: 1,
          held,
        };
      }
      case 3:
        return {
          type: "output",
          runId,
          fence,
          seq: dice.between(0, 5),
          content: "evil",
          isFinal: true,
          metadata: {},
          sentAt: 0,
        };
      case 4:
        return { type: "decline", runId, reason: "no" };
      case 6:
      case 7:
      case 8:
      case 9:
        return lieOfJournal(this.#world, runId);
      default: {
        const status = dice.pick(runStatuses);
        const nothing = { errorMessage: "", backend: null, output: '"evil"', retryAfter: millis(0) };
        return { type: "status", runId, fence, status, ...nothing };
      }
    }
  }
}
