import type { ActorName } from "#actors/commands";
import type { TaskFinalizerMessage } from "#actors/task-finalizer/messages";
import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import { taskNotFound } from "#domain/refusals";
import { millis } from "#domain/time";
import type { Receipt } from "#ports/plane";
import type { Supervisor } from "./supervisor.js";
import type { Message } from "./turn.js";

/** How a request at the gateway becomes a message, and the actor's answer its own. */
export function asking(supervisor: Supervisor) {
  const ask = <Reply>(to: ActorName, message: Message, weight: number): Promise<Reply> =>
    new Promise((resolve, reject) => {
      if (!supervisor.serving) {
        const retryAfter = limits.retryAfter;
        reject(new Fault("unavailable", "the plane is not serving; nothing was stored", { retryAfter }));
        return;
      }
      const answer = { resolve: (reply: unknown) => resolve(reply as Reply), reject };
      if (supervisor.post({ to, message, source: "gateway", weight, answer })) return;
      reject(
        new Fault(
          "overloaded",
          `the plane is at its limit (the mailbox of ${to} is full); nothing was stored`,
          {
            reason: "MAILBOX_FULL",
            retryAfter: millis(250),
          },
        ),
      );
    });

  /** A change of one Task, answered with the Task. */
  const change = async (message: TaskFinalizerMessage, weight: number): Promise<Receipt> => {
    const [receipt] = await ask<readonly (Receipt | Fault)[]>("task-finalizer", message, weight);
    if (receipt === undefined || receipt instanceof Fault) throw receipt ?? taskNotFound(message.taskId);
    return receipt;
  };
  return { ask, change };
}
