import type { ActorEvent, Handler } from "../handler.js";
import type { TaskFinalizerMessage } from "./messages.js";

/** One kind of message, and what does it. */
export type FinalizerMessage<Type extends TaskFinalizerMessage["type"]> = Extract<
  TaskFinalizerMessage,
  { readonly type: Type }
>;
export type FinalizerHandler<Type extends TaskFinalizerMessage["type"]> = Handler<FinalizerMessage<Type>>;

export type TaskFinalizerEvent = ActorEvent<TaskFinalizerMessage>;
