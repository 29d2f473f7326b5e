import { WHOLE_TASK } from "#domain/deadline";
import { sinksOf } from "#domain/graph";
import { detached, isObjectText } from "#domain/json-slices";
import { limits } from "#domain/limits";
import { pauseAfter } from "#domain/retry";
import type { StepRow } from "#domain/step";
import { isTerminal, type TaskDraft, type TaskRow, taskStatus } from "#domain/task";
import { templateKey } from "#domain/template";
import { type Instant, millis, NEVER } from "#domain/time";
import { misfitOf, schemaReason } from "#domain/verdict";
import type { Command } from "../commands.js";
import { rowsOfDraft } from "../task/make.js";
import { createTask } from "../task/start.js";
import { advance, complete, failAttempt, failForGood, succeed } from "./done.js";
import type { FinalizerFound, TaskFinalizerMessage } from "./messages.js";
import { dataAt } from "./spread.js";

/** A Step that is a Task of its own begins: the Task is made, and the Step waits for it. */
export function startChild(found: FinalizerFound, at: Instant): Command[] {
  const { task, step, newTaskId } = found;
  if (!task || step?.state !== "pending" || !newTaskId) return [];

  const drafted = draftOf(task, step, found);
  const childId = typeof drafted === "string" ? "" : newTaskId;
  const begin = advance(step, { type: "begin", at, childId });
  if (typeof drafted === "string") return [begin, ...failForGood(step, drafted, at)];
  const child = rowsOfDraft(drafted, at);
  // In a turn of its own: children may have children, and one commit must not make them all.
  const start = { taskId: newTaskId, stepName: WHOLE_TASK, kind: "start", at } as const;
  return [
    begin,
    ...createTask(child.task, child.steps, drafted.input, at, false),
    { type: "setDeadline", params: start },
  ];
}

/** What the child is to be, or why there can be none. */
function draftOf(
  task: TaskRow,
  { name, spec: { child } }: StepRow,
  { newTaskId, plan, input = "{}", outputs, schemaProblem, noRoom }: FinalizerFound,
): TaskDraft | string {
  if (!child || !newTaskId) return "the step has no child to begin";
  if (task.spec.depth >= limits.taskDepth) {
    return `tasks stand ${task.spec.depth} deep within one another, which is the most`;
  }
  if (noRoom) return `namespace "${task.namespace}" has as many waiting tasks as it may`;
  if (child.template && !plan) {
    return `there is no template ${templateKey(child.template)} that a task of namespace "${task.namespace}" may name`;
  }
  const given = givenTo(child.input, input, outputs);
  if (given === undefined) return `child.input "${child.input}" leads to nothing`;
  if (plan && !isObjectText(given)) return "the input of a template's task must be a JSON object";
  if (schemaProblem) return misfitOf("the child's input", "input_schema", schemaProblem);

  const { spec } = task;
  return {
    id: newTaskId,
    namespace: task.namespace,
    input: given,
    ...(plan && { plan }),
    spec: {
      ...spec,
      agentName: child.agentName,
      timeoutMs: plan?.timeoutMs ?? millis(0),
      maxAttempts: plan ? 0 : 1,
      startAt: NEVER,
      retryOf: "",
      idempotencyKey: "",
      fingerprint: "",
      keyFor: millis(0),
      holdOnFailure: plan?.holdOnFailure ?? false,
      template: plan?.template ?? null,
      parent: { taskId: task.id, stepName: name },
      depth: spec.depth + 1,
      compensates: "",
      undoes: plan?.undoes ?? false,
    },
  };
}

/** The child's input as JSON text; the whole of its parent's goes as it is. Undefined if the path leads to nothing. */
export function givenTo(
  path: string,
  input: string,
  outputs: ReadonlyMap<string, string>,
): string | undefined {
  if (path === "") return input;
  const data = dataAt(path, input, outputs);
  return data === undefined ? undefined : detached(data);
}

/** The Task that a Step is has ended: what it came to, the Step comes to. */
export function endChild(
  { childId }: Extract<TaskFinalizerMessage, { type: "child.ended" }>,
  { task, step, child, schemaProblem }: FinalizerFound,
  at: Instant,
  draw: number,
): Command[] {
  const waits = step?.state === "in_progress" && step.childId === childId;
  if (!task || !waits || !child || !isTerminal(child.task.state)) return [];

  const status = taskStatus(child.task);
  if (status === "COMPLETED") {
    const result = resultOf(child);
    if (result === undefined) {
      const message = `the result of child task ${childId} is over ${limits.resultBytes} bytes: let it return less`;
      return failForGood(step, message, at);
    }
    if (schemaProblem === undefined) return [...succeed(step, result, at), ...complete(task, step, at)];
    const misfit = misfitOf(`the result of child task ${childId}`, "result_schema", schemaProblem);
    if (schemaReason(schemaProblem)) return failForGood(step, misfit, at);
    return failAttempt(
      task,
      step,
      { errorMessage: misfit, retryable: true, retryAfter: pauseAfter(step.attempts) },
      at,
      draw,
    );
  }
  const errorMessage = `child task ${childId} ended ${status}: ${child.task.errorMessage || "no reason given"}`;
  // Tasks within tasks multiply: tried again without a pause they would be made without end.
  const failure = { errorMessage, retryable: status === "FAILED", retryAfter: pauseAfter(step.attempts) };
  return failAttempt(task, step, failure, at, draw);
}

/** As a client would read it: the last Step's result, or an object of those of several; undefined if too large. */
export function resultOf({ steps, outputs }: NonNullable<FinalizerFound["child"]>): string | undefined {
  const sinks = sinksOf(steps);
  const bytes = sinks.reduce((sum, { outputBytes, name }) => sum + outputBytes + name.length * 2 + 8, 0);
  if (bytes > limits.resultBytes) return undefined;
  const [only] = sinks;
  if (sinks.every(({ outputBytes }) => outputBytes === 0)) return "";
  if (sinks.length <= 1) return only ? (outputs.get(only.name) ?? "") : "";
  return `{${sinks.map(({ name }) => `${JSON.stringify(name)}:${outputs.get(name) ?? "null"}`).join(",")}}`;
}
