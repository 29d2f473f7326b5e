import { z } from "zod";
import type { TaskId } from "#domain/id";
import { stepNotFound } from "#domain/refusals";
import { type RunRow, type RunSummary, runSummary } from "#domain/task/run";
import { isTakenOver, type StepRow } from "#domain/task/step";
import { type StepAction, stepActionsIn } from "#domain/task/step-action";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { pageToken, stepName, taskId } from "../fields.js";
import { fromTimeToken, type TimePlace, toTimeToken } from "../page-token.js";
import { type Request, readsOf, useCase } from "../use-case.js";
import { findTask } from "./find-task.js";

/** One thing that happened to a Step. */
export type StepAuditEntry =
  | { readonly type: "run"; readonly at: Instant; readonly run: RunSummary }
  /** The Step is done from the beginning, with the result that it has in the Task of which this one is a fork. */
  | { readonly type: "taken_over"; readonly at: Instant; readonly from: TaskId }
  /** Somebody has done something by hand: to the Step, or to its whole Task. */
  | {
      readonly type: "action";
      readonly at: Instant;
      readonly action: StepAction;
      readonly ofTask: boolean;
    };

/** A page of a Step's history, oldest first. */
export interface StepAuditPage {
  readonly entries: readonly StepAuditEntry[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** How many actions by hand are no longer kept. */
  readonly dropped: number;
}

/** GetStepAudit: what has happened to a Step: its Runs, and what people have done to it by hand. */
export const getStepAudit = useCase({
  action: "task.read_audit",
  input: z.object({
    taskId,
    stepName,
    pageSize: z
      .number()
      .transform((size) => (size <= 0 ? limits.stepAuditPage : Math.min(size, limits.stepAuditPage))),
    pageToken: pageToken(fromTimeToken),
  }),
  answerBytes: limits.messageBytes,
  find: ({ taskId: id }, request) => findTask({ id }, request),
  perform: async ({ stepName, pageSize, pageToken: after }, request, { detail }): Promise<StepAuditPage> => {
    const { task, steps, runs } = detail;
    const step = steps.find(({ name }) => name === stepName);
    if (!step) {
      throw stepNotFound(
        task.id,
        stepName,
        steps.map(({ name }) => name),
      );
    }
    const { actions, dropped } = await actionsOf(task.id, stepName, request);
    const ofStep = runs.filter((run) => run.stepName === stepName).map(runEntry);
    // What was done by hand comes before the Run that it has made in the same instant.
    const all = [...takenOver(task, step), ...actions, ...ofStep].sort((a, b) => a.at - b.at);
    const from = after ? placeIn(all, after) : 0;
    const entries = all.slice(from, from + pageSize);
    const isLast = from + pageSize >= all.length;
    return { entries, nextPageToken: isLast ? "" : toTimeToken(endOf(all, from + pageSize)), dropped };
  },
});

function takenOver(task: TaskRow, step: StepRow): StepAuditEntry[] {
  const { forkedFrom } = task.spec;
  if (forkedFrom === undefined || !isTakenOver(step, task)) return [];
  return [{ type: "taken_over", at: task.createdAt, from: forkedFrom }];
}

function runEntry(run: RunRow): StepAuditEntry {
  return { type: "run", at: run.createdAt, run: runSummary(run) };
}

async function actionsOf(taskId: RunRow["taskId"], name: string, request: Request) {
  const reads = readsOf(request);
  const [own, ofTask] = await Promise.all([
    reads.stepActions({ taskId, name }),
    reads.stepActions({ taskId, name: "" }),
  ]);
  const { actions, dropped } = stepActionsIn(own);
  const entry = (isOfTask: boolean) => (action: StepAction) =>
    ({ type: "action", at: action.at, action, ofTask: isOfTask }) as const;
  return {
    actions: [...actions.map(entry(false)), ...stepActionsIn(ofTask).actions.map(entry(true))],
    dropped,
  };
}

/** The index of the first entry after a place. */
function placeIn(all: readonly StepAuditEntry[], { at, count }: TimePlace): number {
  const first = all.findIndex((entry) => entry.at >= at);
  return first < 0 ? all.length : first + count;
}

/** The place before the entry of an index. */
function endOf(all: readonly StepAuditEntry[], index: number): TimePlace {
  const at = (all[index - 1] as StepAuditEntry).at;
  return { at, count: index - all.findIndex((entry) => entry.at === at) };
}
