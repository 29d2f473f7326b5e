import type { LoadReply, LoadRequest } from "./requests.js";
import { listed, type loads, type Prepared } from "./statements.js";

/**
 * Answers all needs of a turn with one statement for each kind of need. Runs bring their Steps, and both their
 * Tasks. A row wanted in two ways may come twice; the Steps of graphs come first, so that they stay in order.
 */
export function load(sql: Prepared<typeof loads>, needs: LoadRequest): LoadReply {
  const runs = JSON.stringify(needs.runs);
  const whole = JSON.stringify(needs.wholeTasks);
  const taskIds = new Set([...needs.graphs, ...needs.wholeTasks, ...needs.steps.map(([taskId]) => taskId)]);

  const reply: Record<keyof LoadReply, string[]> = {
    tasks: [],
    steps: [],
    runs: [],
    inputs: [],
    stepInputs: [],
    outputs: [],
    templates: [],
  };
  if (taskIds.size + needs.runs.length > 0) {
    reply.tasks.push(listed(sql.tasks, [JSON.stringify([...taskIds]), runs]));
  }
  if (needs.keys.length > 0) reply.tasks.push(listed(sql.tasksByKey, [JSON.stringify(needs.keys)]));
  if (needs.graphs.length > 0) reply.steps.push(listed(sql.graphSteps, [JSON.stringify(needs.graphs)]));
  if (needs.steps.length > 0) reply.steps.push(listed(sql.steps, [JSON.stringify(needs.steps)]));
  if (needs.runs.length > 0) {
    reply.steps.push(listed(sql.stepsOfRuns, [runs]));
    reply.runs.push(listed(sql.runs, [runs]));
  }
  if (needs.wholeTasks.length > 0) {
    reply.steps.push(listed(sql.openSteps, [whole]));
    reply.runs.push(listed(sql.openRuns, [whole]));
  }
  if (needs.inputs.length > 0) reply.inputs.push(listed(sql.inputs, [JSON.stringify(needs.inputs)]));
  for (const name of ["stepInputs", "outputs", "templates"] as const) {
    if (needs[name].length > 0) reply[name].push(listed(sql[name], [JSON.stringify(needs[name])]));
  }
  if (needs.newestTemplates.length > 0) {
    reply.templates.push(listed(sql.newestTemplates, [JSON.stringify(needs.newestTemplates)]));
  }
  return reply;
}
