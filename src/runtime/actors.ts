import type { ActorName, Ask, Told } from "#actors/asks";
import type { ActorLife, Stamped } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import { schedulerMachine } from "#actors/scheduler/machine";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { taskRequestMachine } from "#actors/task-request/machine";
import { decider, type Rest } from "./evaluate.js";
import {
  foundForFinalizer,
  foundForRequest,
  foundForScheduler,
  foundForTracker,
  type Scene,
} from "./gather.js";
import type { Journal } from "./journal.js";

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

/** The four actors: where each stands, and what it decides. */
export class Actors {
  readonly #rests = new Map<ActorName, Rest<unknown>>([
    ["task-request", { value: "starting", context: {} }],
    ["scheduler", { value: "starting", context: { served: {} } }],
    ["run-tracker", { value: "starting", context: {} }],
    ["task-finalizer", { value: "starting", context: {} }],
  ]);

  stateOf(name: ActorName): string {
    return String(this.#rests.get(name)?.value);
  }

  /** A message with all it may want to see: the rows and the moment. */
  tell(told: Told, scene: Scene, stamp: Stamped, journal: Journal): readonly Ask[] {
    const event: Heard = Object.assign({}, told.message, stamp, { found: foundFor(told, scene) });
    return this.#decide(told.to, event, journal);
  }

  /** A step in the life of one actor, or of all. */
  live(message: ActorLife, journal: Journal, name?: ActorName): void {
    for (const each of name ? [name] : actorNames) this.#decide(each, message, journal);
  }

  #decide(name: ActorName, message: Heard, journal: Journal): readonly Ask[] {
    const rest = this.#rests.get(name) as Rest<unknown>;
    const { value, context, asks, ignored } = deciders[name](rest, message);
    if (!ignored && (value !== rest.value || context !== rest.context)) {
      journal.set(this.#rests, name, { value, context });
    }
    return asks;
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
