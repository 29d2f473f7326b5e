import type { ActorName } from "#actors/commands";
import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { Fault } from "#domain/fault";
import { taskNotFound } from "#domain/refusals";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import type { Message } from "../turn/turn.js";

/**
 * Posts a request as a message to an actor's mailbox. Resolves with the actor's answer, after the commit.
 *
 * @param weight bytes of the message's payload
 * @throws {Fault} by the promise: `unavailable` or `overloaded` if the message was not accepted, and any fault that the
 *   actor answers with
 */
export function ask<Reply>(
  supervisor: Supervisor,
  to: ActorName,
  message: Message,
  weight: number,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (!supervisor.serving) {
      const { retryAfter } = limits;
      reject(new Fault("unavailable", "the plane is not serving; nothing was stored", { retryAfter }));
      return;
    }
    const outage = supervisor.core.store.outage?.();
    if (outage) {
      const { retryAfter } = limits;
      const text = `${outage.message}; nothing was stored: send the request again`;
      reject(new Fault("unavailable", text, { reason: "STORE_UNAVAILABLE", retryAfter }));
      return;
    }
    const answer = { resolve: (reply: unknown) => resolve(reply as Reply), reject };
    if (supervisor.post({ to, message, source: "gateway", weight, answer })) return;
    const full = `the plane is at its limit (the mailbox of ${to} is full); nothing was stored`;
    reject(new Fault("overloaded", full, { reason: "MAILBOX_FULL", retryAfter: millis(250) }));
  });
}

/**
 * Posts a change of one Task; resolves with the Task as the commit left it.
 *
 * @throws {Fault} as {@link ask} does; `not_found` if there is no such Task
 */
export async function askToChange(
  supervisor: Supervisor,
  message: Extract<TaskFinalizerMessage, { readonly caller: unknown }>,
  weight: number,
): Promise<Receipt> {
  const asked = ask<readonly (Receipt | Fault)[]>(supervisor, "task-finalizer", message, weight);
  const [receipt] = await asked;
  if (receipt === undefined || receipt instanceof Fault) throw receipt ?? taskNotFound(message.taskId);
  return receipt;
}
