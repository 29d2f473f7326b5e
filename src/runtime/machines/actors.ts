import type { ActorName, AddressedMessage, Command } from "#actors/commands";
import type { Reader, Readers } from "#actors/handler";
import type { ActorLife, ActorState, Stamped } from "#actors/life";
import { runTrackerMachine, trackerHandlers } from "#actors/run-tracker/machine";
import { schedulerHandlers, schedulerMachine } from "#actors/scheduler/machine";
import { finalizerHandlers, taskFinalizerMachine } from "#actors/task-finalizer/machine";
import { requestHandlers, taskRequestMachine } from "#actors/task-request/machine";
import type { MessageView } from "#actors/view";
import type { Needs } from "#domain/needs";
import type { Journal } from "../memory/journal.js";
import { decider } from "./flat-interpreter.js";

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

/** The state of an actor before and after a message of the life cycle. */
export interface ActorChange {
  readonly name: ActorName;
  readonly before: ActorState;
  readonly after: ActorState;
}

/** The four actors: where each stands in its life, what it remembers, and what it decides. */
export class Actors {
  /** Changed only by the supervisor; not rolled back with a turn. */
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

  /** Has an actor decide a message; returns its commands. Call it when the rows of {@link needsOf} are in the view. */
  tell(addressed: AddressedMessage, view: MessageView, stamp: Stamped, journal: Journal): readonly Command[] {
    const event: Heard = Object.assign({}, addressed.message, stamp, { view });
    const before = { value: this.stateOf(addressed.to), context: this.#contexts.get(addressed.to) };
    const after = deciders[addressed.to](before, event);
    if (after.context !== before.context) journal.set(this.#contexts, addressed.to, after.context);
    return after.commands;
  }

  /** Sends a message of the life cycle (serve, drain, stop, …) to one actor, or to all. Returns what it did to each. */
  live(message: ActorLife, name?: ActorName): readonly ActorChange[] {
    return (name ? [name] : actorNames).map((each) => {
      const before = this.stateOf(each);
      const { value } = deciders[each]({ value: before, context: this.#contexts.get(each) }, message);
      const after = value as ActorState;
      this.#states.set(each, after);
      return { name: each, before, after };
    });
  }
}

/**
 * The rows that a message needs before it is decided, as far as the rows that are already loaded tell. Call it again
 * after loading: loaded rows may name further ones.
 */
export function needsOf({ to, message }: AddressedMessage, view: MessageView): Needs {
  switch (to) {
    case "task-request":
      return needsBy(requestHandlers, message, view);
    case "scheduler":
      return needsBy(schedulerHandlers, message, view);
    case "run-tracker":
      return needsBy(trackerHandlers, message, view);
    case "task-finalizer":
      return needsBy(finalizerHandlers, message, view);
  }
}

function needsBy<Message extends { readonly type: string }>(
  readers: Readers<Message>,
  message: Message,
  view: MessageView,
): Needs {
  const reader = readers[message.type as Message["type"]] as Reader<Message>;
  return reader.needs(message, view);
}
