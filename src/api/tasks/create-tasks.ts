import { z } from "zod";
import { Fault } from "#domain/fault";
import type { TaskDraft } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { limits } from "#limits/index";
import type { Receipt } from "#ports/plane";
import { stepBytes } from "../answer-size.js";
import { type Request, run, useCase } from "../use-case.js";
import { fieldPath } from "../validate.js";
import { freshTask, noAnswer } from "./create-task.js";
import { newTask } from "./new-task.js";

/** The input for each Task of a batch. */
type Item = z.input<typeof newTask.input>;

/** The elements are validated one by one later, so that an invalid one does not refuse the others. */
const input = z.object({
  tasks: z.custom<readonly Item[]>(Array.isArray).superRefine(({ length }, context) => {
    if (length >= 1 && length <= limits.batchTasks) return;
    const message = `has ${length} entries; send 1 to ${limits.batchTasks} in one batch.`;
    context.addIssue({ code: "custom", message });
  }),
});

/** BatchCreateTasks: creates Tasks in one commit. Answers in the same order, with a Fault for each that is refused. */
export const createTasks = useCase({
  action: "task.create_batch",
  input,
  find: () => ({ resource: { kind: "server" as const } }),
  perform: async ({ tasks }, request) => {
    const drafts: (TaskDraft | Fault)[] = [];
    let steps = 0;
    for (const [i, item] of tasks.entries()) {
      const draft = await draftOrFault(item, i, steps, request);
      drafts.push(draft);
      if (!(draft instanceof Fault)) steps += stepsOf(draft);
    }
    return submitAll(drafts, request);
  },
});

async function submitAll(
  drafts: readonly (TaskDraft | Fault)[],
  { caller, services: { plane } }: Request,
): Promise<readonly (TaskView | Fault)[]> {
  const good = drafts.filter((draft): draft is TaskDraft => !(draft instanceof Fault));
  const created = good.length > 0 ? await plane.submit(caller, good) : [];
  const answers = created[Symbol.iterator]();
  const room = { bytes: limits.pageBytes };
  return drafts.map((draft) => {
    if (draft instanceof Fault) return draft;
    const answer = answers.next().value ?? noAnswer();
    return answer instanceof Fault ? answer : viewOf(answer, draft, room);
  });
}

/** @param before how many Steps the Tasks before it make */
async function draftOrFault(
  item: Item,
  index: number,
  before: number,
  request: Request,
): Promise<TaskDraft | Fault> {
  const path = fieldPath(["tasks", index]);
  try {
    const draft = await run(newTask, item, request);
    const all = before + stepsOf(draft);
    if (all > limits.batchSteps) {
      const message = `${path} brings the batch to ${all} Steps; the limit is ${limits.batchSteps}: send it in another batch.`;
      return new Fault("invalid", message, { field: path, reason: "BATCH_TOO_LARGE" });
    }
    request.services.creates?.take(draft.namespace);
    return draft;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { field } = error.details;
    return new Fault(error.code, `${path}.${error.message}`, {
      ...error.details,
      ...(field !== undefined && { field: `${path}.${field}` }),
    });
  }
}

/** The most Steps that its template can make; branches that are not taken count too. */
function stepsOf({ plan }: TaskDraft): number {
  return plan?.steps.length ?? 1;
}

/** Fits a batch into one answer: Tasks beyond a limit are returned without their inputs and Steps. */
function viewOf(receipt: Receipt, draft: TaskDraft, room: { bytes: number }): TaskView {
  const { task, steps } = receipt;
  room.bytes -= steps.reduce((sum, step) => sum + stepBytes(step), Buffer.byteLength(draft.input));
  if (room.bytes < 0) return { task };
  return freshTask(receipt, draft) ?? { task, input: draft.input };
}
