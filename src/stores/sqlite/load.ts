import type { SealedTable } from "./checksum.js";
import type { Statement } from "./driver.js";
import type { LoadReply, LoadRequest } from "./requests.js";
import { inputs, outputs, runTable, stepInputs, stepTable, taskTable, templates } from "./rows.js";
import { listed, type loads, type Prepared } from "./statements.js";

/**
 * Answers all needs of a turn with one statement for each kind of need. Runs bring their Steps, and both their
 * Tasks. A row wanted in two ways may come twice; the Steps of graphs come first, so that they stay in order.
 */
export function load(sql: Prepared<typeof loads>, needs: LoadRequest): LoadReply {
  const runs = JSON.stringify(needs.runs);
  const whole = JSON.stringify(needs.wholeTasks);
  const taskIds = new Set([...needs.graphs, ...needs.wholeTasks, ...needs.steps.map(([taskId]) => taskId)]);

  const rows: Record<"tasks" | "steps" | "runs", string[]> = { tasks: [], steps: [], runs: [] };
  if (taskIds.size + needs.runs.length > 0) {
    rows.tasks.push(listed(taskTable, sql.tasks, [JSON.stringify([...taskIds]), runs]));
  }
  if (needs.keys.length > 0) {
    rows.tasks.push(listed(taskTable, sql.tasksByKey, [JSON.stringify(needs.keys)]));
  }
  if (needs.graphs.length > 0) {
    rows.steps.push(listed(stepTable, sql.graphSteps, [JSON.stringify(needs.graphs)]));
  }
  if (needs.steps.length > 0) {
    rows.steps.push(listed(stepTable, sql.steps, [JSON.stringify(needs.steps)]));
  }
  if (needs.runs.length > 0) {
    rows.steps.push(listed(stepTable, sql.stepsOfRuns, [runs]));
    rows.runs.push(listed(runTable, sql.runs, [runs]));
  }
  if (needs.wholeTasks.length > 0) {
    rows.steps.push(listed(stepTable, sql.openSteps, [whole]));
    rows.runs.push(listed(runTable, sql.openRuns, [whole]));
  }
  return {
    ...rows,
    inputs: opened(inputs, sql.inputs, needs.inputs),
    stepInputs: opened(stepInputs, sql.stepInputs, needs.stepInputs),
    outputs: opened(outputs, sql.outputs, needs.outputs),
    templates: [
      ...opened(templates, sql.templates, needs.templates),
      ...opened(templates, sql.newestTemplates, needs.newestTemplates),
    ],
  };
}

/** The values of the rows that are there of those wanted. */
function opened(table: SealedTable, statement: Statement, wanted: readonly unknown[]): (readonly string[])[] {
  return wanted.length === 0 ? [] : statement.all([JSON.stringify(wanted)]).map(table.open);
}
