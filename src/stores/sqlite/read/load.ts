import { forKinds, localKeyedKindNames, localKindNames, textKindNames } from "#domain/row-kinds";
import type { Statement } from "../driver.js";
import type { SealedTable } from "../rows/checksum.js";
import { rowTable, runTable, stepTable, taskTable, templates, textTables } from "../rows/rows.js";
import { listed, type loads, type Prepared } from "../rows/statements.js";
import type { CommittedTexts, LoadReply, LoadRequest } from "../thread/requests.js";

/**
 * Loads everything a turn needs, with one statement for each kind of need. A Run is loaded with its Step, and both with
 * their Task. A row requested in two ways may be returned twice; the Steps of graphs come first, so that their order is
 * kept.
 */
export function load(sql: Prepared<typeof loads>, needs: LoadRequest): LoadReply {
  const runs = JSON.stringify(needs.runs);
  const whole = JSON.stringify(needs.wholeTasks);
  const taskIds = new Set([...needs.graphs, ...needs.wholeTasks, ...needs.steps.map(([taskId]) => taskId)]);

  const rows = forKinds<Record<(typeof localKindNames)[number], string[]>>(localKindNames, () => []);
  if (taskIds.size + needs.runs.length > 0) {
    rows.tasks.push(listed(taskTable, sql.tasks, [JSON.stringify([...taskIds]), runs]));
  }
  if (needs.keys.length > 0) {
    rows.tasks.push(listed(taskTable, sql.tasksByKey, [JSON.stringify(needs.keys)]));
  }
  if (needs.graphs.length > 0) {
    rows.steps.push(listed(stepTable, sql.graphSteps, [JSON.stringify(needs.graphs)]));
  }
  for (const name of localKeyedKindNames) {
    if (needs[name].length > 0)
      rows[name].push(listed(rowTable(name), sql[name], [JSON.stringify(needs[name])]));
  }
  if (needs.runs.length > 0) rows.steps.push(listed(stepTable, sql.stepsOfRuns, [runs]));
  if (needs.wholeTasks.length > 0) {
    rows.steps.push(listed(stepTable, sql.openSteps, [whole]));
    rows.runs.push(listed(runTable, sql.openRuns, [whole]));
  }
  return {
    ...rows,
    ...forKinds<CommittedTexts>(textKindNames, (name) => opened(textTables[name], sql[name], needs[name])),
    templates: [
      ...opened(templates, sql.templates, needs.templates),
      ...opened(templates, sql.newestTemplates, needs.newestTemplates),
    ],
  };
}

/** The verified values of those wanted rows that exist. */
function opened(table: SealedTable, statement: Statement, wanted: readonly unknown[]): (readonly string[])[] {
  return wanted.length === 0 ? [] : statement.all([JSON.stringify(wanted)]).map(table.open);
}
