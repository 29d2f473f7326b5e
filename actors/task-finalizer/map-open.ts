import { itemsOf } from "#domain/json/slices";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { clip } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { dataAt, dataNeeds } from "../data.js";
import { advanceTask, keyOf } from "../make-command.js";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import { dispatchStep } from "../step-types/index.js";
import { memberSpec } from "../task/expansion.js";
import { liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** A map has begun: one member is made for each item of its list, of which so many may run at a time. */
export const mapOpen: FinalizerHandler<"map.open"> = {
  needs(message, view) {
    const map = view.step(message)?.spec.map;
    return { steps: [message], ...(map && dataNeeds(map.over, message.taskId)) };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress" || !step.spec.map) return [];
    if (step.members.length > 0) return []; // made before; an operator has had it tried anew
    const { over } = step.spec.map;
    const data = dataAt(over, task.id, view);
    const list = data && itemsOf(data);
    if (!list) {
      const shown = data === undefined ? "nothing" : clip(data, limits.notAListBytes);
      return failForGood(step, `map.over "${over}" should be a list; found ${shown}`, at);
    }
    if (list.length === 0) return [...succeed(step, "[]", at), ...complete(task, step, at)];

    const count = Object.values(task.counts).reduce((sum, each) => sum + each, 0);
    if (count + list.length > limits.taskSteps) {
      const message = `map.over "${over}" has ${list.length} items; with the ${count} steps there are, ${limits.taskSteps} are the most of one task`;
      return failForGood(step, message, at);
    }
    return makeMembers(task, step, list, at);
  },
};

function makeMembers(task: TaskRow, step: StepRow, list: readonly string[], at: Instant): Command[] {
  const { concurrency, failure } = step.spec.map ?? { concurrency: 1, failure: "fail_fast" };
  const digits = String(list.length - 1).length;
  const rows = list.map((_, index) =>
    newStep({
      taskId: task.id,
      name: `${step.name}_${String(index).padStart(Math.max(3, digits), "0")}`,
      agentName: step.agentName,
      spec: memberSpec(step, { group: step.name, index, concurrency, failure }),
      maxAttempts: step.maxAttempts,
      maxLosses: step.maxLosses,
      dependants: [step.name],
      hasInput: true,
    }),
  );
  const members = rows.map(({ name }) => name);
  return [
    advanceTask(task, { type: "stepsAdded", at, count: rows.length }),
    ...rows.map((row): Command => ({ type: "createStep", params: { step: row } })),
    ...rows.map((row, index): Command => {
      const json = `{"item":${list[index]},"index":${index}}`;
      return { type: "keepInput", params: { ...keyOf(row), json } };
    }),
    {
      type: "addDependencies",
      params: { ...keyOf(step), dependsOn: members, unsatisfied: members.length, members },
    },
    advanceTask(task, { type: "opened", at, group: step.name, count: Math.min(concurrency, rows.length) }),
    ...rows.slice(0, concurrency).flatMap((row) => dispatchStep(task, row, at)),
  ];
}
