import type { Caller } from "#domain/caller";
import type { StepKey } from "#domain/id";
import {
  type StepAction,
  type StepActionType,
  stepActionsIn,
  withStepAction,
} from "#domain/task/step-action";
import { clip } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import type { MessageView } from "../view.js";

/** What somebody does by hand, and why. */
export interface ByHand {
  readonly caller: Caller;
  readonly type: StepActionType;
  readonly reason: string;
  /** The entry of its journal that it is about; undefined if it is about the Step. */
  readonly entry?: number | undefined;
}

/** Keeps who has done what to a Step, when and why; of an empty name, to the whole Task. Needs the text that is there. */
export function noteAction(key: StepKey, action: ByHand, view: MessageView, at: Instant): Command {
  const { taskId, stepName } = key;
  const json = withStepAction(view.stepActions(key), { at, ...told(action) });
  return { type: "keepActions", params: { taskId, stepName, json } };
}

/** What was done last, if the same caller has done the same, for the same reason: then it is a request that is sent again. */
export function doneLast(key: StepKey, action: ByHand, view: MessageView): StepAction | undefined {
  const last = stepActionsIn(view.stepActions(key)).actions.at(-1);
  return last && isSame(last, action) ? last : undefined;
}

/** The last time that the same caller has done the same, for the same reason, whatever was done since. */
export function doneBefore(key: StepKey, action: ByHand, view: MessageView): StepAction | undefined {
  return stepActionsIn(view.stepActions(key)).actions.findLast((each) => isSame(each, action));
}

function isSame(done: StepAction, action: ByHand): boolean {
  const { actor, type, reason, entry } = told(action);
  return done.actor === actor && done.type === type && done.reason === reason && done.entry === entry;
}

function told({ caller: { principal: actor }, type, reason, entry }: ByHand): Omit<StepAction, "at"> {
  const clipped = clip(reason, limits.errorMessageBytes);
  return { actor, type, reason: clipped, ...(entry !== undefined && { entry }) };
}
