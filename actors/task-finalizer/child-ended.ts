import { sinksOf } from "#domain/graph/graph";
import { resultBytes, resultText } from "#domain/task/result";
import { pauseAfter } from "#domain/task/retry";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { misfitOf, schemaReason } from "#domain/template/verdict";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { resultSchemaNeeds } from "../handler.js";
import { keysOf } from "../keys.js";
import type { Stamped } from "../life.js";
import { failAttempt } from "../step/attempts.js";
import { noteDoubt } from "../step/doubt.js";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import { waitNeeds, wakeIfOver } from "../step/waits.js";
import { mayHaveActed, taskAlone, waiterNeeds, wakeWaiter } from "../task/quiescence.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** The Task that a Step is has ended: what it came to, the Step comes to. */
export const childEnded: FinalizerHandler<"child.ended"> = {
  needs(message, view) {
    const child = view.task(message.childId);
    if (view.task(message.taskId) && !liveTask(view, message.taskId)) {
      return { steps: [message, taskAlone(message.childId), ...waiterNeeds(child, view)] };
    }
    const spawner = view.step(message);
    if (spawner?.journal) return waitNeeds(message, spawner.waits ?? [], view);
    const steps = view.stepsOf(message.childId);
    const names = sinksOf(steps).map(({ name }) => name);
    return {
      steps: [message],
      graphs: [message.childId],
      wholeTasks: view.step(message)?.spec.compensation ? [message.childId] : [],
      outputs: resultBytes(steps) <= limits.resultBytes ? keysOf(message.childId, names) : [],
      ...resultSchemaNeeds(view.step(message), view.task(message.taskId), view),
    };
  },

  decide(message, view, moment) {
    const { childId } = message;
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    const child = view.task(childId);
    const waits = step?.state === "in_progress" && step.childId === childId;
    if (task && step?.journal) return wakeIfOver(task, step, view, moment.at);
    if (!task) return child ? wakeWaiter(child, view) : [];
    if (!waits || !child || !isTerminal(child.state)) return [];

    const status = taskStatus(child);
    const { at } = moment;
    if (status === "COMPLETED") {
      const isCompensation = child.spec.compensates !== "";
      return isCompensation
        ? [...succeed(step, "", at), ...complete(task, step, at)]
        : takeResult(task, step, child, view, moment);
    }
    const errorMessage = `child task ${childId} ended ${status}: ${child.errorMessage || "no reason given"}`;
    // Tasks within tasks multiply: tried again without a pause they would be made without end.
    // What nobody has raised a budget for in all that time, another child would not get either.
    const retryable = status === "FAILED" && child.reason !== "BUDGET_EXCEEDED";
    const failure = { errorMessage, retryable, retryAfter: pauseAfter(step.attempts) };
    const isDoubtful = step.spec.compensation !== undefined && mayHaveActed(child, view);
    return [...(isDoubtful ? noteDoubt(task, step) : []), ...failAttempt(task, step, failure, moment)];
  },
};

function takeResult(
  task: TaskRow,
  step: StepRow,
  { id }: TaskRow,
  view: MessageView,
  moment: Stamped,
): Command[] {
  const { at } = moment;
  const steps = view.stepsOf(id);
  if (resultBytes(steps) > limits.resultBytes) {
    const message = `the result of child task ${id} is over ${limits.resultBytes} bytes: let it return less`;
    return failForGood(step, message, at);
  }
  const result = resultText(steps, (stepName) => view.output({ taskId: id, stepName }));
  const problem = view.resultProblem(step, result);
  if (problem === undefined) return [...succeed(step, result, at), ...complete(task, step, at)];
  const misfit = misfitOf(`the result of child task ${id}`, "result_schema", problem);
  if (schemaReason(problem)) return failForGood(step, misfit, at);
  const failure = { errorMessage: misfit, retryable: true, retryAfter: pauseAfter(step.attempts) };
  // The child did its work, and is forgotten when it is made anew; without a compensation of its Step it is compensated then.
  const doubt = step.spec.compensation ? noteDoubt(task, step) : [];
  return [...doubt, ...failAttempt(task, step, failure, moment)];
}
