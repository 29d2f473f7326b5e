import type { StepKey } from "#domain/id";
import { limits } from "#limits/index";
import { keysOf } from "../keys.js";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** The last member of a map is done: the map's result is the list of theirs, null for one that failed or has none. */
export const mapCollect: FinalizerHandler<"map.collect"> = {
  needs(message, view) {
    const members = keysOf(message.taskId, view.step(message)?.members ?? []);
    return {
      steps: [message, ...members],
      outputs: listBytes(members, view) <= limits.resultBytes ? members : [],
    };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress") return [];
    const members = keysOf(task.id, step.members);
    const bytes = listBytes(members, view);
    if (bytes > limits.resultBytes) {
      const text = `the results of the map's members are ${bytes} bytes together, at most ${limits.resultBytes} can be kept: let each return less`;
      return failForGood(step, text, at);
    }
    const results = members.map((key) => view.output(key) ?? "null");
    return [...succeed(step, `[${results.join(",")}]`, at), ...complete(task, step, at)];
  },
};

/** The bytes of the list of their results, brackets and commas included. A list that is too long is not even loaded. */
function listBytes(members: readonly StepKey[], view: MessageView): number {
  return members.reduce((sum, key) => sum + (view.step(key)?.outputBytes ?? 0) + 1, 1);
}
