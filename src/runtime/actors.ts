import type { ActorName, AddressedMessage, Command } from "#actors/commands";
import type { ActorLife, ActorState, Stamped } from "#actors/life";
import { runTrackerMachine } from "#actors/run-tracker/machine";
import { schedulerMachine } from "#actors/scheduler/machine";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { taskRequestMachine } from "#actors/task-request/machine";
import { decider } from "./flat-interpreter.js";
import { foundForRequest, foundForScheduler, foundForTracker } from "./gather.js";
import { foundForFinalizer } from "./gather-finalizer.js";
import type { Journal } from "./journal.js";
import type { TurnContext } from "./turn-context.js";

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
  tell(
    addressed: AddressedMessage,
    context: TurnContext,
    stamp: Stamped,
    journal: Journal,
  ): readonly Command[] {
    const event: Heard = Object.assign({}, addressed.message, stamp, { found: foundFor(addressed, context) });
    const before = { value: this.stateOf(addressed.to), context: this.#contexts.get(addressed.to) };
    const after = deciders[addressed.to](before, event);
    if (after.context !== before.context) journal.set(this.#contexts, addressed.to, after.context);
    return after.commands;
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

function foundFor(addressed: AddressedMessage, context: TurnContext): unknown {
  switch (addressed.to) {
    case "task-request":
      return foundForRequest(addressed.message, context);
    case "scheduler":
      return foundForScheduler(addressed.message, context);
    case "run-tracker":
      return foundForTracker(addressed.message, context);
    case "task-finalizer":
      return foundForFinalizer(addressed.message, context);
  }
}
