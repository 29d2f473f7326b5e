import { Fault } from "#domain/fault";
import type { Pause } from "#domain/pause/pause";
import { limits } from "#limits/index";
import { refuse } from "../make-command.js";
import type { SchedulerHandler } from "./handler.js";

/** Nothing of the scope is given to workers from now on: not in this turn either, since Steps are placed last in it. */
export const pause: SchedulerHandler<"pause"> = {
  needs: () => ({}),

  decide({ caller, scope, message: reason, until }, view, { at }) {
    if (!view.pauses.get(scope) && view.pauses.size >= limits.pauses) return { commands: [refuse(full())] };
    const made: Pause = { scope, reason, until, by: caller.principal, at };
    return {
      commands: [
        { type: "keepPause", params: { pause: made } },
        { type: "reply", params: { answer: { type: "pause", pause: made } } },
      ],
    };
  },
};

/** What its time ends is given again once that has passed; what is not paused is no error. */
export const resume: SchedulerHandler<"resume"> = {
  needs: () => ({}),

  decide: ({ scope }, view) => ({
    commands: [
      // Written even if it is not known here: another node may have paused it a moment ago.
      { type: "endPause", params: { scope } },
      { type: "reply", params: { answer: { type: "pause", pause: view.pauses.get(scope) } } },
    ],
  }),
};

function full(): Fault {
  const text = `there are ${limits.pauses} pauses, the most there may be; resume one, or pause something wider, as a namespace`;
  return new Fault("overloaded", text, { reason: "TOO_MANY_PAUSES", retryAfter: limits.retryAfter });
}
