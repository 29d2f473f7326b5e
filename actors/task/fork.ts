import { Fault } from "#domain/fault";
import { forkGraph } from "#domain/graph/fork";
import type { StepKey } from "#domain/id";
import { stepNotFound, taskNotFound } from "#domain/refusals";
import { failsTask, type StepRow, type StepState } from "#domain/task/step";
import { type TaskDraft, type TaskRow, taskStatus } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";
import { newTask, rowsOfDraft, rowsOfNewSteps } from "./make.js";

/** The rows of a Task that goes on from what another one has done, and the results that it takes over. */
export interface ForkRows {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly copies: readonly { readonly from: StepKey; readonly to: StepKey }[];
}

/**
 * Makes the rows of a fork. It rests on the rows of the Task that is forked, of which all Steps must be here.
 *
 * @returns a Fault if that is gone, if there is nothing to begin from, or if what would be taken over was compensated
 */
export function rowsOfFork(
  draft: TaskDraft,
  { of, from }: NonNullable<TaskDraft["fork"]>,
  view: MessageView,
  at: Instant,
): ForkRows | Fault {
  const old = view.task(of);
  if (!old) return taskNotFound(of);
  const steps = view.stepsOf(of);
  const first = from === "" ? whatFailed(old, steps) : named(old, steps, from);
  if (first instanceof Fault) return first;
  if (!draft.plan) return { ...rowsOfDraft(draft, view, at), copies: [] };

  const graph = forkGraph(draft.plan, steps, first);
  const kept = [...graph.kept.values()];
  const problem = compensatedAmong(old, kept) ?? tooMuch(old, kept);
  if (problem) return problem;

  const orders = ordersOf(kept);
  const rows = rowsOfNewSteps(draft, graph.steps, view, new Set(graph.kept.keys())).map((row) => {
    const former = graph.kept.get(row.name);
    return former ? takenOver(row, former, orders.get(former.name) ?? 0) : row;
  });
  const copies = kept
    .filter(({ outputBytes }) => outputBytes > 0)
    .map(({ name: stepName }) => ({ from: { taskId: of, stepName }, to: { taskId: draft.id, stepName } }));
  return { task: counted(newTask(draft, rows.length, at), rows), steps: rows, copies };
}

/**
 * The Steps whose failure has failed the Task. None, if it has ended otherwise before all was done: then what was not done is,
 * and nothing else.
 */
function whatFailed(task: TaskRow, steps: readonly StepRow[]): readonly string[] | Fault {
  const failed = steps.filter(failsTask);
  if (failed.length > 0 || taskStatus(task) !== "COMPLETED") return failed.map(({ name }) => name);
  const text = `nothing of task ${task.id} has failed, it is ${task.state}: name the step to begin from`;
  return new Fault("wrong_state", text, { reason: "NOTHING_FAILED", field: "from" });
}

function named(task: TaskRow, steps: readonly StepRow[], from: string): readonly string[] | Fault {
  if (steps.some(({ name }) => name === from)) return [from];
  return stepNotFound(
    task.id,
    from,
    steps.map(({ name }) => name),
  );
}

/** What was compensated has not been done any more. */
function compensatedAmong(task: TaskRow, kept: readonly StepRow[]): Fault | undefined {
  if (task.compensatedBy === "") return undefined;
  const compensated = kept.filter(
    ({ spec, childId }) => spec.compensation !== undefined || (task.compensableBelow && childId !== ""),
  );
  if (compensated.length === 0) return undefined;
  const names = compensated.slice(0, limits.forkNamed).map(({ name }) => `"${name}"`);
  const more = compensated.length > names.length ? ` and ${compensated.length - names.length} more` : "";
  const text =
    `task ${task.compensatedBy} has compensated what task ${task.id} did, ${names.join(", ")}${more} among it, ` +
    "which a fork from there would take for done: begin from the first of them, or do the whole task again with RetryTask";
  return new Fault("wrong_state", text, {
    reason: "STEPS_COMPENSATED",
    metadata: { compensated_by: task.compensatedBy },
  });
}

function tooMuch({ id }: TaskRow, kept: readonly StepRow[]): Fault | undefined {
  const bytes = kept.reduce((sum, { outputBytes }) => sum + outputBytes, 0);
  if (bytes <= limits.forkBytes) return undefined;
  const text = `a fork of task ${id} from there takes over ${bytes} bytes of results, ${limits.forkBytes} are the most: begin from an earlier step`;
  return new Fault("wrong_state", text, { reason: "FORK_TOO_LARGE" });
}

/** The order in which they have completed, counted anew from 1. */
function ordersOf(kept: readonly StepRow[]): ReadonlyMap<string, number> {
  const completed = kept.filter(({ order }) => order > 0).sort((a, b) => a.order - b.order);
  return new Map(completed.map(({ name }, i) => [name, i + 1]));
}

/** A Step that is done from the beginning. What its Task has not done it does not compensate. */
function takenOver(row: StepRow, former: StepRow, order: number): StepRow {
  const { compensation: _, ...spec } = former.spec;
  const { state, agentName, maxAttempts, maxLosses, outputBytes, errorMessage, finishedAt, signalled } =
    former;
  const members = former.spec.map ? [] : former.members;
  return {
    ...row,
    ...{ state, agentName, maxAttempts, maxLosses, outputBytes, errorMessage, finishedAt, signalled },
    ...{ spec, members, order, startedAt: NEVER, unsatisfied: 0 },
  };
}

/** With the counts of its Steps; all members of the groups that are taken over have begun. */
function counted(task: TaskRow, rows: readonly StepRow[]): TaskRow {
  const counts: Partial<Record<StepState, number>> = {};
  for (const { state } of rows) counts[state] = (counts[state] ?? 0) + 1;
  const tolerated = rows.filter(({ state }) => state === "error").length;
  const groups = rows.filter(({ members }) => members.length > 0);
  const opened = Object.fromEntries(groups.map(({ name, members }) => [name, members.length]));
  return { ...task, counts, tolerated, opened };
}
