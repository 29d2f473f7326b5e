import type { ActorEvent, Handler } from "../handler.js";
import type { RunTrackerMessage } from "./messages.js";

export type RunTrackerMessageOf<Type extends RunTrackerMessage["type"]> = Extract<
  RunTrackerMessage,
  { readonly type: Type }
>;
export type RunTrackerHandler<Type extends RunTrackerMessage["type"]> = Handler<RunTrackerMessageOf<Type>>;

export type RunTrackerEvent = ActorEvent<RunTrackerMessage>;
