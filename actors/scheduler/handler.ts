import type { Command } from "../commands.js";
import type { ActorEvent, Reader } from "../handler.js";
import type { Stamped } from "../life.js";
import type { MessageView } from "../view.js";
import type { SchedulerMessage, Served } from "./messages.js";

/** What comes of a message, and how often each namespace has been served then; absent if that is as before. */
export interface SchedulerDecision {
  readonly commands: readonly Command[];
  readonly served?: Served;
}

export interface SchedulerHandler<Type extends SchedulerMessage["type"]>
  extends Reader<Extract<SchedulerMessage, { readonly type: Type }>> {
  decide(
    message: Extract<SchedulerMessage, { readonly type: Type }>,
    view: MessageView,
    moment: Stamped,
    served: Served,
  ): SchedulerDecision;
}

export type SchedulerEvent = ActorEvent<SchedulerMessage>;
