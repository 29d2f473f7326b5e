import { itemsOf, sliceAt } from "#domain/json-slices";
import { limits } from "#domain/limits";
import { readPath } from "#domain/path";
import { newStep, type StepRow } from "#domain/step";
import type { TaskRow } from "#domain/task";
import { clip } from "#domain/text";
import type { Instant } from "#domain/time";
import type { Command } from "../commands.js";
import { dispatchStep } from "../task/start.js";
import { advanceTask, complete, failForGood, keyOf, succeed } from "./done.js";
import { memberSpec } from "./expansion.js";
import type { FinalizerFound } from "./messages.js";

/** A map has begun: one Step for each item of its list, of which so many may run at a time. */
export function openMap({ task, step, outputs, input = "{}" }: FinalizerFound, at: Instant): Command[] {
  if (!task || step?.state !== "in_progress" || !step.spec.map) return [];
  if (step.members.length > 0) return []; // spread before; an operator has had it tried anew
  const { over } = step.spec.map;
  const data = dataAt(over, input, outputs);
  const list = data && itemsOf(data);
  if (!list) {
    const found = data === undefined ? "nothing" : clip(data, FOUND_BYTES);
    return failForGood(step, `map.over "${over}" should be a list; found ${found}`, at);
  }
  if (list.length === 0) return [...succeed(step, "[]", at), ...complete(task, step, at)];

  const there = Object.values(task.counts).reduce((sum, count) => sum + count, 0);
  if (there + list.length > limits.taskSteps) {
    const message = `map.over "${over}" has ${list.length} items; with the ${there} steps there are, ${limits.taskSteps} are the most of one task`;
    return failForGood(step, message, at);
  }
  return spread(task, step, list, at);
}

/** As much of what is no list as its error message shows. */
const FOUND_BYTES = 64;

/** What lies at a path of the Task's data, as JSON text; undefined if nothing does. */
export function dataAt(
  path: string,
  input: string,
  outputs: ReadonlyMap<string, string>,
): string | undefined {
  const place = readPath(path);
  const text = place?.stepName === "" ? input : outputs.get(place?.stepName ?? "");
  return place && text !== undefined ? sliceAt(text, place.parts) : undefined;
}

function spread(task: TaskRow, step: StepRow, list: readonly string[], at: Instant): Command[] {
  const { concurrency, failure } = step.spec.map ?? { concurrency: 1, failure: "fail_fast" };
  const digits = String(list.length - 1).length;
  const rows = list.map((_, index) =>
    newStep({
      taskId: task.id,
      name: `${step.name}_${String(index).padStart(Math.max(3, digits), "0")}`,
      agentName: step.agentName,
      spec: memberSpec(step, { group: step.name, index, concurrency, failure }),
      maxAttempts: step.maxAttempts,
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

/** All members of a map are done: its result is the list of theirs, null for one that failed or has none. */
export function collect({ task, step, steps, outputs }: FinalizerFound, at: Instant): Command[] {
  if (!task || step?.state !== "in_progress") return [];
  const bytes = steps.reduce((sum, { outputBytes }) => sum + outputBytes + 1, 1);
  if (bytes > limits.resultBytes) {
    const message = `the results of the map's members are ${bytes} bytes together, at most ${limits.resultBytes} can be kept: let each return less`;
    return failForGood(step, message, at);
  }
  const results = step.members.map((name) => outputs.get(name) ?? "null");
  return [...succeed(step, `[${results.join(",")}]`, at), ...complete(task, step, at)];
}
