import { advanceStep } from "../make-command.js";
import { complete } from "../step/outcomes.js";
import { liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** The Step has begun to wait for a payload that came before, and has been kept: it is done. */
export const signalTaken: FinalizerHandler<"signal.taken"> = {
  needs: (message) => ({ steps: [message] }),

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress" || !step.signalled) return [];
    const { outputBytes } = step;
    return [advanceStep(step, { type: "succeeded", at, outputBytes }), ...complete(task, step, at)];
  },
};
