import type { ActorName, Ask, Told } from "#actors/asks";
import type { ActorLife, ActorState, Stamped } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import { schedulerMachine } from "#actors/scheduler/machine";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { taskRequestMachine } from "#actors/task-request/machine";
import { decider } from "./flat-interpreter.js";
import { foundForRequest, foundForScheduler, foundForTracker } from "./gather.js";
import { foundForFinalizer } from "./gather-finalizer.js";
import type { Journal } from "./journal.js";
import type { Scene } from "./scene.js";

/** In the order in which the diagram of actors is read. */
export const actorNames = ["task-request", "scheduler", "run-tracker", "task-finalizer"] as const;

interface Heard {
  readonly type: string;
}

const deciders = {
  "task-request": decider<unknown, Heard>(taskRequestMachine),
  scheduler: decider<unknown, Heard>(schedulerMachine),
  "run-tracker": decider<unknown, Heard>(runTrackerMachine),
  "task-finalizer": decider<unknown, Heard>(taskFinalizerMachine),
};

/** The four actors: where each stands in its life, what it remembers, and what it decides. */
export class Actors {
  /** Changed by the supervisor alone, and never taken back with a turn. */
  readonly #states = new Map<ActorName, ActorState>(actorNames.map((name) => [name, "starting"]));
  /** Changed by messages, through the turn's journal. */
  readonly #contexts = new Map<ActorName, unknown>([
    ["task-request", {}],
    ["scheduler", { served: {} }],
    ["run-tracker", {}],
    ["task-finalizer", {}],
  ]);

  stateOf(name: ActorName): ActorState {
    return this.#states.get(name) as ActorState;
  }

  /** A message with all it may want to see: the rows and the moment. */
  tell(told: Told, scene: Scene, stamp: Stamped, journal: Journal): readonly Ask[] {
    const event: Heard = Object.assign({}, told.message, stamp, { found: foundFor(told, scene) });
    const rest = { value: this.stateOf(told.to), context: this.#contexts.get(told.to) };
    const { context, asks } = deciders[told.to](rest, event);
    if (context !== rest.context) journal.set(this.#contexts, told.to, context);
    return asks;
  }

  /** A step in the life of one actor, or of all. */
  live(message: ActorLife, name?: ActorName): void {
    for (const each of name ? [name] : actorNames) {
      const { value } = deciders[each](
        { value: this.stateOf(each), context: this.#contexts.get(each) },
        message,
      );
      this.#states.set(each, value as ActorState);
    }
  }
}

function foundFor(told: Told, scene: Scene): unknown {
  switch (told.to) {
    case "task-request":
      return foundForRequest(told.message, scene);
    case "scheduler":
      return foundForScheduler(told.message, scene);
    case "run-tracker":
      return foundForTracker(told.message, scene);
    case "task-finalizer":
      return foundForFinalizer(told.message, scene);
  }
}
