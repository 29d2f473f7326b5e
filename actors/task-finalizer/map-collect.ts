import { limits } from "#limits/index";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import { liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";
import { bytesOf, fitsOneResult, keysOf, rowsAt } from "./results.js";

/** The last member of a map is done: the map's result is the list of theirs, null for one that failed or has none. */
export const mapCollect: FinalizerHandler<"map.collect"> = {
  needs(message, view) {
    const members = keysOf(message.taskId, view.step(message)?.members ?? []);
    return {
      steps: [message, ...members],
      outputs: fitsOneResult(rowsAt(members, view)) ? members : [],
    };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress") return [];
    const members = keysOf(task.id, step.members);
    const bytes = bytesOf(rowsAt(members, view)) + members.length + 1;
    if (bytes > limits.resultBytes) {
      const text = `the results of the map's members are ${bytes} bytes together, at most ${limits.resultBytes} can be kept: let each return less`;
      return failForGood(step, text, at);
    }
    const results = members.map((key) => view.output(key) ?? "null");
    return [...succeed(step, `[${results.join(",")}]`, at), ...complete(task, step, at)];
  },
};
