import { z } from "zod";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { type BulkAction, type BulkOutcome, type BulkRefusal, bulkActions, bulkKey } from "#domain/task/bulk";
import type { TaskRow } from "#domain/task/task";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import { pageToken, reason } from "../fields.js";
import { fromPageToken, toPageToken } from "../page-token.js";
import { type Request, readsOf, useCase } from "../use-case.js";
import { oneOf, optionalName } from "../validate.js";
import { type BulkBehavior, type BulkResult, type BulkTerms, bulkBehaviors } from "./bulk-actions.js";
import { refuseEmptyFilter, taskFilterFields, taskFilterOf } from "./task-filter.js";

const BULK_ID = /^[A-Za-z0-9_.-]+$/;

const bulkId = z.string().refine((id) => id === "" || (id.length <= limits.bulkIdChars && BULK_ID.test(id)), {
  error: `is not 1 to ${limits.bulkIdChars} letters, digits, "_", "." or "-": send a UUID.`,
});

const input = z
  .object({
    filter: z.object({ ...taskFilterFields, namespace: optionalName }).superRefine(refuseEmptyFilter),
    action: oneOf(Object.keys(bulkActions) as BulkAction[]),
    dryRun: z.boolean(),
    bulkId,
    pageToken: pageToken(fromPageToken),
    maxTasks: z
      .number()
      .transform((size) => (size <= 0 ? limits.bulkTasks : Math.min(size, limits.bulkTasks))),
    reason,
  })
  .superRefine(({ bulkId, dryRun }, context) => {
    if (bulkId !== "" || dryRun) return;
    const message =
      "is required: send a UUID, the same for all batches, so that no Task is dealt with twice.";
    context.addIssue({ code: "custom", path: ["bulkId"], message });
  });

/** BulkTasks: does the same with every Task that fits a filter, a bounded batch a call. */
export const bulkTasks = useCase({
  action: "task.bulk",
  input,
  answerBytes: limits.messageBytes,
  find: ({ filter: { namespace } }, { caller }) => {
    const namespaces = namespace === "" ? caller.namespaces : [namespace];
    return { resource: { kind: "namespaces" as const, namespaces } };
  },
  perform: async (asked, request, { resource: { namespaces } }): Promise<BulkOutcome> => {
    const { action, dryRun, bulkId, maxTasks, pageToken } = asked;
    const { caller, services } = request;
    const scope = bulkActions[action];
    // To count needs no more than to list.
    if (!dryRun && !services.roles.allows(caller.roles, scope)) throw scopeMissing(action, scope);

    const filter = taskFilterOf(asked.filter, namespaces, services.plane.pauses());
    const page = await readsOf(request).tasks(filter, pageToken, maxTasks);
    const batch = new Batch(bulkBehaviors[action], asked, request);
    if (dryRun) batch.countAll(page.tasks);
    else await batch.actOnAll(page.tasks);
    const outcome = batch.outcome(page.next);
    if (!dryRun) await audited(action, bulkId, outcome, asked.filter.namespace, request);
    return outcome;
  },
  hidden: () => ({ matched: 0, done: 0, already: 0, refusals: [], nextPageToken: "" }),
});

function scopeMissing(action: BulkAction, scope: string): Fault {
  const message = `the bulk action ${action} needs ${scope}, which your credential does not have.`;
  return new Fault("denied", message, { reason: "SCOPE_MISSING", metadata: { scope } });
}

/** Refusals of the plane or its store: nothing is wrong with the Task, and later it will be done. */
const isForNow = ({ code }: Fault) => code === "overloaded" || code === "unavailable" || code === "disk_full";

/** The Tasks of one call, and what comes of them. */
class Batch {
  readonly #behavior: BulkBehavior;
  readonly #terms: BulkTerms;
  readonly #request: Request;
  readonly #refusals = new Map<string, BulkRefusal>();
  #matched = 0;
  #done = 0;
  #already = 0;
  /** The last Task that was dealt with, if not all were. */
  #stoppedAt: TaskId | undefined;

  constructor(behavior: BulkBehavior, terms: BulkTerms, request: Request) {
    this.#behavior = behavior;
    this.#terms = terms;
    this.#request = request;
  }

  /** What would be done, as far as the rows tell. */
  countAll(tasks: readonly TaskRow[]): void {
    for (const task of tasks.filter((each) => !this.#isOwn(each))) {
      try {
        this.#behavior.check(task);
        this.#count("done");
      } catch (error) {
        this.#refused(task, error);
      }
    }
  }

  /** A few at a time, so that others' requests come between. */
  async actOnAll(tasks: readonly TaskRow[]): Promise<void> {
    const { plane } = this.#request.services;
    const end = later(plane.now(), limits.bulkTime);
    for (let from = 0; from < tasks.length; from += limits.bulkAtOnce) {
      const few = tasks.slice(from, from + limits.bulkAtOnce);
      const results = await Promise.all(
        few.filter((task) => !this.#isOwn(task)).map((task) => this.#act(task)),
      );
      const stopped = results.find(({ result }) => result instanceof Fault && isForNow(result));
      if (stopped) return this.#stop(tasks[from - 1]?.id, stopped.result as Fault);
      for (const { task, result } of results) {
        if (result instanceof Fault) this.#refused(task, result);
        else this.#count(result);
      }
      if (plane.now() >= end && from + few.length < tasks.length) {
        this.#stoppedAt = few.at(-1)?.id;
        return;
      }
    }
  }

  outcome(next: TaskId | undefined): BulkOutcome {
    const last = this.#stoppedAt ?? next;
    return {
      matched: this.#matched,
      done: this.#done,
      already: this.#already,
      refusals: [...this.#refusals.values()],
      nextPageToken: last === undefined ? "" : toPageToken(last),
    };
  }

  async #act(task: TaskRow): Promise<{ readonly task: TaskRow; readonly result: BulkResult | Fault }> {
    const { caller, services } = this.#request;
    const { id, namespace } = task;
    try {
      services.authorize(caller, this.#behavior.action, { kind: "task", id, namespace });
      return { task, result: await this.#behavior.act(task, this.#terms, this.#request) };
    } catch (error) {
      if (error instanceof Fault) return { task, result: error };
      throw error;
    }
  }

  /** What this few had done is done again by the next call, and counted as done before. */
  #stop(last: TaskId | undefined, fault: Fault): void {
    if (last === undefined) throw fault;
    this.#stoppedAt = last;
  }

  /** Tasks that the bulk action has made itself are none of its business. */
  #isOwn({ spec: { idempotencyKey } }: TaskRow): boolean {
    const { bulkId } = this.#terms;
    return bulkId !== "" && idempotencyKey.startsWith(bulkKey(bulkId, ""));
  }

  #count(result: BulkResult): void {
    this.#matched += 1;
    if (result === "done") this.#done += 1;
    else this.#already += 1;
  }

  #refused({ id }: TaskRow, error: unknown): void {
    if (!(error instanceof Fault)) throw error;
    this.#matched += 1;
    const reason = error.reason ?? error.code.toUpperCase();
    const known = this.#refusals.get(reason);
    if (!known && this.#refusals.size >= limits.bulkRefusals) return;
    const { message = error.message, count = 0, taskIds = [] } = known ?? {};
    const ids = taskIds.length < limits.bulkRefusedIds ? [...taskIds, id] : taskIds;
    this.#refusals.set(reason, { reason, message, count: count + 1, taskIds: ids });
  }
}

/** One entry for each batch; what was done with each Task has one of its own. */
async function audited(
  action: BulkAction,
  bulkId: string,
  { matched, done }: BulkOutcome,
  namespace: string,
  { caller, services: { audit } }: Request,
): Promise<void> {
  if (!audit || matched === 0) return;
  const detail = `${action}: ${done} of ${matched} tasks`;
  const { principal: actor } = caller;
  await audit.trail.record({ actor, action: "task.bulk", object: `bulk ${bulkId}`, namespace, detail });
}
