import type { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { instant } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { Plane } from "#ports/plane";
import type { Store } from "#ports/store";
import type { Supervisor } from "#runtime/supervisor";
import { VirtualClock } from "#testing/virtual-time";
import type { Life } from "../runtime/kit/mortal.js";
import { type Dice, diceOf } from "./dice.js";
import { Outside } from "./journals/outside.js";
import { Mirror } from "./mirror.js";
import type { Weather } from "./weather.js";

/** When virtual time begins. */
const START = 1_000_000_000;
/** Lines of the trace that a broken promise is reported with. */
const NOTES_KEPT = 60;

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

/** What workers and clients of a simulated world have of it: one clock, all chance, and who answers. */
export abstract class SimWorld {
  readonly clock = new VirtualClock(START);
  readonly dice: Dice;
  readonly mirror = new Mirror();
  readonly outside = new Outside();
  abstract readonly weather: Weather;
  /** False once the weather has cleared: from then on everything must come to its end. */
  faulty = true;
  broken: unknown;
  #hash = 0x811c9dc5;
  readonly lastNotes: string[] = [];

  constructor(seed: number) {
    this.dice = diceOf(seed);
  }

  /** A process that is reached now, if one is; of several any. */
  abstract get up(): Incarnation | undefined;

  /** What is stored, as nobody who can fail reads it. */
  abstract get durable(): Store;

  after(ms: number, then: () => void): void {
    this.clock.wakeAt(instant(this.clock.now() + ms), then);
  }

  sleep(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => this.after(ms, resolve));
  }

  /** One line of the trace; two runs of one seed must have the same. */
  note(what: string): void {
    const line = `${this.clock.now() - START} ${what}`;
    for (let i = 0; i < line.length; i += 1) {
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193) >>> 0;
    }
    this.lastNotes.push(line);
    if (this.lastNotes.length > NOTES_KEPT) this.lastNotes.shift();
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

  /** Begins something; if it fails, the world is broken. */
  begin(act: Promise<void>): void {
    act.catch((error: unknown) => {
      this.broken ??= error;
    });
  }

  taskEnded(taskId: TaskId): boolean {
    const state = this.mirror.tasks.get(taskId)?.state;
    return state === "complete" || state === "error" || state === "cancelled";
  }
}

/** What a process of the plane does on a request, or with what arrives: later if it stands still, and nothing if it is dead. */
export function atWork<Answer>(incarnation: Incarnation, act: () => Promise<Answer>): Promise<Answer> {
  const { life } = incarnation;
  if (life.awake) return life.awake.then(() => atWork(incarnation, act));
  return life.alive ? act() : new Promise(() => {});
}
