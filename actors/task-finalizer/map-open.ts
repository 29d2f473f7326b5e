import type { MapPlan } from "#domain/graph/plan";
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
import { digitsOf, fewestSegments, memberName, segmentSteps } from "../task/segments.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A map has begun: one member is made for each item of its list, of which so many may run at a time. If the Task cannot have
 * so many Steps, the members are segments, each with a part of the list.
 */
export const mapOpen: FinalizerHandler<"map.open"> = {
  needs(message, view) {
    const { map, segment } = view.step(message)?.spec ?? {};
    if (segment) return { steps: [message], stepInputs: [message] };
    return { steps: [message], ...(map && dataNeeds(map.over, message.taskId)) };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || step?.state !== "in_progress" || !step.spec.map) return [];
    if (step.members.length > 0) return []; // made before; an operator has had it tried anew
    const data = listOf(step, step.spec.map.over, view);
    const list = data && itemsOf(data);
    if (!list) return failForGood(step, notAList(step.spec.map.over, data), at);
    if (list.length === 0) return [...succeed(step, "[]", at), ...complete(task, step, at)];

    const members = membersOf(task, step, step.spec.map, list);
    if (typeof members === "string") return failForGood(step, members, at);
    return makeMembers(task, step, members, at);
  },
};

/** The map's list as JSON text: that of a segment is an input of its own. */
function listOf(step: StepRow, over: string, view: MessageView): string | undefined {
  return step.spec.segment ? view.stepInput(keyOf(step)) : dataAt(over, step.taskId, view);
}

function notAList(over: string, data: string | undefined): string {
  const shown = data === undefined ? "nothing" : clip(data, limits.notAListBytes);
  return `map.over "${over}" should be a list; found ${shown}`;
}

/** A Step that the map makes, and its own input as JSON text. */
interface Member {
  readonly step: StepRow;
  readonly input: string;
}

/** The members of the map, or why the Task cannot have them. */
function membersOf(task: TaskRow, step: StepRow, map: MapPlan, list: readonly string[]): Member[] | string {
  const count = Object.values(task.counts).reduce((sum, each) => sum + each, 0);
  const room = limits.taskSteps - count;
  if (list.length <= room) return list.map((item, index) => memberOf(step, map, list.length, item, index));

  const has = `map.over "${map.over}" has ${list.length} items`;
  if (list.length > limits.mapItems) return `${has}, ${limits.mapItems} are the most of one map`;
  const fewest = fewestSegments(list.length);
  if (fewest > room) {
    return `${has}, which are ${fewest} steps at least; with the ${count} steps there are, ${limits.taskSteps} are the most of one task`;
  }
  return segmentSteps(step, map, list, room);
}

function memberOf(step: StepRow, map: MapPlan, items: number, item: string, place: number): Member {
  const { first, digits } = step.spec.segment ?? { first: 0, digits: digitsOf(items) };
  const index = first + place;
  const { concurrency, failure } = map;
  const made = newStep({
    taskId: step.taskId,
    name: memberName(step.name, index, digits),
    agentName: step.agentName,
    spec: memberSpec(step, { group: step.name, index: place, concurrency, failure }),
    maxAttempts: step.maxAttempts,
    maxLosses: step.maxLosses,
    dependants: [step.name],
    hasInput: true,
  });
  return { step: made, input: `{"item":${item},"index":${index}}` };
}

function makeMembers(task: TaskRow, step: StepRow, members: readonly Member[], at: Instant): Command[] {
  const names = members.map((member) => member.step.name);
  const atOnce = Math.min(members[0]?.step.spec.member?.concurrency ?? 1, members.length);
  return [
    advanceTask(task, { type: "stepsAdded", at, count: members.length }),
    ...members.map((member): Command => ({ type: "createStep", params: { step: member.step } })),
    ...members.map(({ step: made, input }): Command => {
      return { type: "keepInput", params: { ...keyOf(made), json: input } };
    }),
    {
      type: "addDependencies",
      params: { ...keyOf(step), dependsOn: names, unsatisfied: names.length, members: names },
    },
    advanceTask(task, { type: "opened", at, group: step.name, count: atOnce }),
    ...members.slice(0, atOnce).flatMap((member) => dispatchStep(task, member.step, at)),
  ];
}
