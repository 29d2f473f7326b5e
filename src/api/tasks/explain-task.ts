import { z } from "zod";
import { type StepExplanation, type TaskExplanation, type Wait, waitOf } from "#domain/task/explanation";
import type { RunRow } from "#domain/task/run";
import { readyStep, type StepRow } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import type { WorkerAnswer } from "#domain/worker/refusal";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store";
import { taskId } from "../fields.js";
import { type Request, readsOf, useCase } from "../use-case.js";
import { nearAgents } from "./agent-terms.js";
import { failuresOf } from "./failures.js";
import { findTask } from "./find-task.js";
import { nextActions } from "./next-actions.js";
import { usedUpBudgets } from "./used-up-budgets.js";

/** ExplainTask: why a Task is where it is, by the rules by which it would go on. Writes nothing. */
export const explainTask = useCase({
  action: "task.explain",
  input: z.object({ id: taskId }),
  answerBytes: limits.pageBytes,
  find: findTask,
  perform: async (_, request, { detail }): Promise<TaskExplanation> => {
    const waiting = await waitingSteps(detail, request);
    const shown = waiting.slice(0, limits.explainedSteps);
    const steps = await explained(shown, detail, request);
    const failures = await failuresOf(detail, readsOf(request));
    const { task } = detail;
    const { plane } = request.services;
    const budgets = await usedUpBudgets(detail, readsOf(request), plane.now());
    return {
      task,
      steps,
      moreSteps: waiting.length - shown.length,
      failures,
      actions: nextActions(detail, steps, plane.pauses(), budgets),
    };
  },
});

/** A Step that has not ended and does not run, and what it waits for. */
type Waiting = readonly [StepRow, Wait];

async function waitingSteps(
  { task, steps, runs }: TaskDetail,
  { services: { plane } }: Request,
): Promise<Waiting[]> {
  const moment = { now: plane.now(), pauses: plane.pauses() };
  const newest = new Map<string, RunRow>(runs.map((run) => [run.id, run]));
  const held = runs.filter(({ heldBy }) => heldBy !== "");
  const absences = held.length === 0 ? NOBODY : await plane.absences(held);
  return steps.flatMap((step): Waiting[] => {
    const wait = waitOf(task, step, steps, moment) ?? absenceOf(newest.get(step.runId), absences);
    return wait ? [[step, wait]] : [];
  });
}

const NOBODY: ReadonlyMap<string, Instant> = new Map();

/** A Run whose worker has lost its connection waits for it to come back, or to be lost. */
function absenceOf(run: RunRow | undefined, absences: ReadonlyMap<string, Instant>): Wait | undefined {
  const lostAt = run && absences.get(run.heldBy);
  if (run === undefined || lostAt === undefined) return undefined;
  const detail = `worker "${run.workerId}" has lost its connection`;
  return { cause: "WORKER_GONE", detail, until: lostAt, unmet: [] };
}

/** Only the first Steps that wait for a worker are told their place, and what each worker says: one of a lane stands for it. */
async function explained(
  waiting: readonly Waiting[],
  { task }: TaskDetail,
  request: Request,
): Promise<StepExplanation[]> {
  const { plane } = request.services;
  const answers = new Map<string, Promise<readonly WorkerAnswer[]>>();
  const answersFor = (step: StepRow) => {
    const key = JSON.stringify([step.lane, step.avoidWorker, step.avoidUntil]);
    const known = answers.get(key) ?? plane.workerAnswers(request.caller, readyStep(step));
    answers.set(key, known);
    return known;
  };
  const asked = new Set(
    waiting.filter(([step]) => step.state === "enqueued").slice(0, limits.explainedPlaces),
  );
  return Promise.all(
    waiting.map(async (each): Promise<StepExplanation> => {
      const [step, wait] = each;
      const { name, state, agentName } = step;
      const unmet = wait.unmet.slice(0, limits.explainedDependencies);
      const told = { ...wait, unmet, name, state };
      if (!asked.has(each)) return { ...told, place: 0, workers: [], moreWorkers: 0, nearAgents: [] };

      const workers = await answersFor(step);
      const before = await readsOf(request).countBefore(step, limits.queuePlaces);
      return {
        ...told,
        place: before < limits.queuePlaces ? before + 1 : 0,
        workers: workers.slice(0, limits.explainedWorkers),
        moreWorkers: Math.max(0, workers.length - limits.explainedWorkers),
        nearAgents: nearAgents(agentName, task.namespace, plane),
      };
    }),
  );
}
