import type { MapPlan, StepSpec } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { followingTaskSpec } from "#domain/task/spec";
import { newStep, type StepRow } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";

/**
 * A map with more items than its Task may have Steps is cut into segments: each is a Step of the map whose child Task has the
 * same map over some of the items. Only so many run at a time that their members together keep the map's `concurrency`, so
 * that members are made as earlier ones end.
 */

/** A Step for a segment. Its own input is the JSON list of its items. */
export interface SegmentStep {
  readonly step: StepRow;
  readonly input: string;
}

/** How many segments run at a time, and how many members in each of them. */
export interface SegmentShare {
  readonly atOnce: number;
  readonly concurrency: number;
}

/** Most Steps that the Task of a segment may make; the map itself is one of those it has. */
const SEGMENT_ITEMS = limits.taskSteps - 1;

/** The number of segments that so many items need at least. */
export function fewestSegments(items: number): number {
  return Math.ceil(items / SEGMENT_ITEMS);
}

/**
 * The most segments at a time, since a slow member then holds up the fewest others, whose members together are as many as the
 * map's `concurrency` says, or one fewer.
 */
export function segmentShare(concurrency: number): SegmentShare {
  let atOnce = Math.min(concurrency, limits.mapSegments);
  while (atOnce * Math.floor(concurrency / atOnce) < concurrency - 1) atOnce -= 1;
  return { atOnce, concurrency: Math.floor(concurrency / atOnce) };
}

/**
 * The segments of a map, of nearly equal size.
 *
 * @param room how many Steps the Task may still have, at least {@link fewestSegments} of the list
 */
export function segmentSteps(
  step: StepRow,
  map: MapPlan,
  list: readonly string[],
  room: number,
): SegmentStep[] {
  const { atOnce } = segmentShare(map.concurrency);
  const rounds = Math.ceil(fewestSegments(list.length) / atOnce);
  const count = Math.min(rounds * atOnce, room, list.length);
  const digits = digitsOf(list.length);
  return Array.from({ length: count }, (_, index): SegmentStep => {
    const first = Math.floor((index * list.length) / count);
    const next = Math.floor(((index + 1) * list.length) / count);
    const segment = { first, count: next - first, digits };
    const member = { group: step.name, index, concurrency: atOnce, failure: map.failure };
    const made = newStep({
      taskId: step.taskId,
      name: `${memberName(step.name, first, digits)}-${numberOf(next - 1, digits)}`,
      agentName: "",
      spec: { ...SEGMENT_SPEC, planned: step.spec.planned, member, segment },
      dependants: [step.name],
      hasInput: true,
    });
    return { step: made, input: `[${list.slice(first, next).join(",")}]` };
  });
}

/** It is tried once: its members have the map's attempts, losses and timeout. */
const SEGMENT_SPEC: Omit<StepSpec, "planned"> = {
  type: "child_task",
  config: null,
  retry: DEFAULT_RETRY,
  maxAttempts: 1,
  timeoutMs: millis(0),
};

/** The Task of a segment, and its only Step: the map, with the items of the segment as its input. */
export function segmentTask(
  task: TaskRow,
  segment: StepRow,
  map: StepRow,
  input: string,
  view: MessageView,
): { draft: TaskDraft; step: StepRow } {
  const id = view.newTaskId();
  const draft = {
    id,
    namespace: task.namespace,
    input,
    spec: followingTaskSpec(task.spec, {
      timeoutMs: millis(0),
      parent: { taskId: task.id, stepName: segment.name },
      isCompensable: map.spec.compensation !== undefined,
    }),
  };
  const { name, agentName, maxAttempts, maxLosses } = map;
  const spec = segmentSpec(map.spec, segment.spec, task.id);
  return {
    draft,
    step: newStep({ taskId: id, name, agentName, spec, maxAttempts, maxLosses, hasInput: true }),
  };
}

/**
 * What the map of a segment does: what the whole map does, with its share of the `concurrency`. The results that its members
 * are given are those of Steps of the Task above.
 */
function segmentSpec({ map, input, ...spec }: StepSpec, { segment }: StepSpec, above: TaskId): StepSpec {
  const share = map && { ...map, concurrency: segmentShare(map.concurrency).concurrency };
  return {
    ...spec,
    ...(input && { input: { ...input, resultsOf: above } }),
    ...(share && { map: share }),
    ...(segment && { segment }),
  };
}

/** The name of the member of a map that has the item of this index. */
export function memberName(map: string, index: number, digits: number): string {
  return `${map}_${numberOf(index, digits)}`;
}

function numberOf(index: number, digits: number): string {
  return String(index).padStart(digits, "0");
}

/** As many as the largest index needs, and at least three. */
export function digitsOf(items: number): number {
  return Math.max(3, String(items - 1).length);
}
