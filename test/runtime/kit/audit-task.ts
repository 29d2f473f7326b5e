import { stepKey, type TaskId } from "#domain/id";
import { isTerminal } from "#domain/task/task";
import { instant } from "#domain/time/time";
import type { Store, TaskDetail } from "#ports/store";
import { auditGraph } from "#testing/audit";
import { audit } from "../../actors/kit/audit.js";
import type { Rows } from "../../actors/kit/world.js";
import { auditLetter } from "./audit-letters.js";

/** The end of time, as far as deadlines go. */
const EVER = instant(Number.MAX_SAFE_INTEGER);
/** More than any test sets. */
const DEADLINES_MOST = 10_000;
/** More than any test's result is long. */
const LOG_BYTES = 64 * 1024 * 1024;

/** What is wrong with a Task, by all that can be counted anew from its rows; empty if all is well. */
export async function auditTask(store: Store, taskId: TaskId): Promise<string[]> {
  const detail = await store.reads.task(taskId);
  if (!detail) return [`${taskId} is gone`];
  // A Step that was cancelled may have stopped counting what it waited for.
  const others = audit(await rowsOf(store, detail)).filter((line) => !line.startsWith("open dependencies"));
  const letter = await store.reads.deadLetters.get(taskId, "*");
  return [...auditGraph(detail.steps, [detail.task]), ...auditLetter(detail.task, letter), ...others];
}

/** More than one test needs; of a crowd the newest speak for the rest. */
const TASKS_MOST = 100;

/** The same of all Tasks in a store; nothing of one that is closed. */
export async function auditStore(store: Store): Promise<string[]> {
  const page = await store.reads
    .tasks({ namespaces: "*" }, undefined, TASKS_MOST)
    .catch(() => ({ tasks: [] }));
  const wrong: string[] = [];
  for (const { id } of page.tasks) wrong.push(...(await auditTask(store, id)));
  return wrong;
}

async function rowsOf(store: Store, { task, steps, runs, input }: TaskDetail): Promise<Rows> {
  const { id: taskId } = task;
  const due = await store.due(EVER, DEADLINES_MOST);
  const { outputs } = await store.load({
    outputs: steps.map(({ name: stepName }) => ({ taskId, stepName })),
  });
  const ended = isTerminal(task.state);
  const log = ended ? (await store.reads.log(taskId, 0, LOG_BYTES)).entries : [];
  return {
    tasks: new Map([[taskId, task]]),
    steps: new Map(steps.map((row) => [stepKey({ taskId, stepName: row.name }), row])),
    runs: new Map(runs.map((row) => [row.id, row])),
    inputs: new Map([[taskId, input]]),
    stepInputs: new Map(),
    outputs,
    deadlines: new Map(
      due.filter((each) => each.taskId === taskId).map((each) => [`${stepKey(each)} ${each.kind}`, each]),
    ),
    log: new Map([[taskId, log]]),
  };
}
