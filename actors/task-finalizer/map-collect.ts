import type { StepKey } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import { keysOf } from "../keys.js";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** The last member of a map is done: the map's result is the list of theirs, null for one that failed or has none. */
export const mapCollect: FinalizerHandler<"map.collect"> = {
  needs(message, view) {
    const step = view.step(message);
    const members = keysOf(message.taskId, step?.members ?? []);
    const sources = step ? sourcesOf(step, view) : [];
    return {
      steps: [message, ...members, ...sources],
      outputs: listBytes(sources, view) <= limits.resultBytes ? sources : [],
    };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress") return [];
    const bytes = listBytes(sourcesOf(step, view), view);
    if (bytes > limits.resultBytes) {
      const text = `the results of the map's members are ${bytes} bytes together, at most ${limits.resultBytes} can be kept: let each return less`;
      return failForGood(step, text, at);
    }
    const results = keysOf(task.id, step.members).map((key) => resultsOf(key, view));
    return [...succeed(step, `[${results.join(",")}]`, at), ...complete(task, step, at)];
  },
};

/** Whose results the members' are: their own, or, of a segment, those of the map in its Task. */
function sourcesOf({ taskId, members }: StepRow, view: MessageView): StepKey[] {
  return keysOf(taskId, members).map((key) => sourceOf(view.step(key)) ?? key);
}

function sourceOf(member: StepRow | undefined): StepKey | undefined {
  if (!member?.spec.segment || member.childId === "") return undefined;
  return { taskId: member.childId, stepName: member.spec.member?.group ?? "" };
}

/** What a member contributes to the list, without brackets: a segment the results of all its items, in any case as many. */
function resultsOf(key: StepKey, view: MessageView): string {
  const member = view.step(key);
  const { segment } = member?.spec ?? {};
  if (!segment) return view.output(key) ?? "null";
  const source = sourceOf(member);
  const list = source && view.output(source);
  return list ? list.slice(1, -1) : Array.from({ length: segment.count }, () => "null").join(",");
}

/** The bytes of the list of their results, brackets and commas included. A list that is too long is not even loaded. */
function listBytes(sources: readonly StepKey[], view: MessageView): number {
  return sources.reduce((sum, key) => sum + (view.step(key)?.outputBytes ?? 0) + 1, 1);
}
