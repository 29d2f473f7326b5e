import { limits } from "#limits/index";
import type { Instant } from "../time/time.js";

/** What somebody can do to a Step by hand: the decisions of an operator, a signal, and of its whole Task the end or a larger budget. */
export type StepActionType = "retry" | "resolve" | "complete" | "signal" | "cancel" | "top_up";

/** Something that was done by hand: by whom, when, what and why. */
export interface StepAction {
  readonly at: Instant;
  /** The principal of the caller. */
  readonly actor: string;
  readonly type: StepActionType;
  /** As its actor has said it; empty if nothing was said. */
  readonly reason: string;
  /** The entry of the Step's journal that it was about; absent if it was about the Step. */
  readonly entry?: number;
}

/**
 * What has been done to one Step, oldest first. Kept as one text of the Step, or, for what concerns the whole Task, of the empty name;
 * there is none while nothing was done.
 */
export interface StepActions {
  readonly actions: readonly StepAction[];
  /** How many of the oldest are no longer kept. */
  readonly dropped: number;
}

const NONE: StepActions = { actions: [], dropped: 0 };

/** @param json the text of a Step; undefined if it has none */
export function stepActionsIn(json: string | undefined): StepActions {
  return json === undefined ? NONE : JSON.parse(json);
}

/** The text with one more action, and without the oldest if there are too many. */
export function withStepAction(json: string | undefined, action: StepAction): string {
  const { actions, dropped } = stepActionsIn(json);
  const all = [...actions, action];
  const kept = all.slice(-limits.stepActions);
  return JSON.stringify({ actions: kept, dropped: dropped + all.length - kept.length } satisfies StepActions);
}
