import type { ActorEvent, Handler } from "../handler.js";
import type { TaskRequestMessage } from "./messages.js";

export type TaskRequestHandler<Type extends TaskRequestMessage["type"]> = Handler<
  Extract<TaskRequestMessage, { readonly type: Type }>
>;

export type TaskRequestEvent = ActorEvent<TaskRequestMessage>;
