import { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { type BulkAction, bulkKey } from "#domain/task/bulk";
import { isTolerated } from "#domain/task/step";
import { isTerminal, type TaskDraft, type TaskRow, taskStatus } from "#domain/task/task";
import type { TaskDetail } from "#ports/store";
import type { Action } from "../authorize.js";
import { type Request, readsOf } from "../use-case.js";
import { submitOne } from "./create-task.js";
import { checkAgain, draftAgain, FORK } from "./draft.js";
import { identityOfFork, identityOfRetry } from "./identity.js";

/** What a bulk action is called with. */
export interface BulkTerms {
  readonly bulkId: string;
  readonly reason: string;
}

/** Done now, or by an earlier call of the same bulk action. */
export type BulkResult = "done" | "already";

/** One kind of bulk action. */
export interface BulkBehavior {
  /** What each of its Tasks is authorized for. */
  readonly action: Extract<Action, "task.cancel" | "task.retry" | "task.fork" | "task.resolve">;
  /** Throws what doing it would, as far as the Task's row tells. @throws {Fault} */
  check(task: TaskRow): void;
  /** Does it with one Task. @throws {Fault} if it is refused */
  act(task: TaskRow, terms: BulkTerms, request: Request): Promise<BulkResult>;
}

const cancel: BulkBehavior = {
  action: "task.cancel",
  check(task) {
    if (isTerminal(task.state)) throw alreadyEnded(task);
  },
  async act(task, { reason }, { caller, services: { plane } }) {
    // Whoever has cancelled it: it is what was wanted.
    if (task.state === "cancelled") return "already";
    await plane.cancel(caller, task.id, reason);
    return "done";
  },
};

const retry: BulkBehavior = {
  action: "task.retry",
  check: (task) => checkAgain(task, "retry"),
  act: (task, terms, request) =>
    again(task, request, async (detail) => {
      const identity = identityOfRetry(task.id, bulkKey(terms.bulkId, task.id));
      return { ...(await draftAgain(detail, identity, request)), reason: terms.reason };
    }),
};

const fork: BulkBehavior = {
  action: "task.fork",
  check(task) {
    checkAgain(task, "fork");
    if (taskStatus(task) === "COMPLETED") throw nothingFailed(task);
  },
  act: (task, terms, request) =>
    again(task, request, async (detail) => {
      const identity = identityOfFork(bulkKey(terms.bulkId, task.id), task.id, "", "");
      const draft = await draftAgain(detail, identity, request, FORK);
      return { ...draft, fork: { of: task.id, from: "" }, reason: terms.reason };
    }),
};

/** What is done with the Steps that hold a Task. */
function resolving(type: "retry" | "resolve"): BulkBehavior {
  return {
    action: "task.resolve",
    check(task) {
      if (isTerminal(task.state)) throw alreadyEnded(task);
      if (task.state !== "blocked_by_failures") throw notHeld(task);
    },
    async act(task, { reason }, request) {
      this.check(task);
      const { caller, services } = request;
      const { steps } = await detailOf(task, request);
      const failed = steps.filter((step) => step.state === "error" && !isTolerated(step));
      if (failed.length === 0) throw notHeld(task);
      for (const { name } of failed) await services.plane.resolve(caller, task.id, name, { type }, reason);
      return "done";
    },
  };
}

export const bulkBehaviors: Readonly<Record<BulkAction, BulkBehavior>> = {
  cancel,
  retry,
  fork,
  reset: resolving("retry"),
  resolve: resolving("resolve"),
};

/** Submits what is made of an ended Task. Its key tells whether that was done before. */
async function again(
  task: TaskRow,
  request: Request,
  draftOf: (detail: TaskDetail) => Promise<TaskDraft>,
): Promise<BulkResult> {
  const draft = await draftOf(await detailOf(task, request));
  const receipt = await submitOne(draft, request);
  return receipt.task.id === draft.id ? "done" : "already";
}

async function detailOf({ id }: TaskRow, request: Request): Promise<TaskDetail> {
  const detail = await readsOf(request).task(id);
  if (!detail) throw taskNotFound(id);
  return detail;
}

function nothingFailed({ id, state }: TaskRow): Fault {
  const message = `nothing of task ${id} has failed, it is ${state}`;
  return new Fault("wrong_state", message, { reason: "NOTHING_FAILED" });
}

function notHeld({ id, state }: TaskRow): Fault {
  const message = `task ${id} is ${state}: only the steps of one that is held because of a failure are resolved in bulk`;
  return new Fault("wrong_state", message, { reason: "NOT_HELD" });
}
