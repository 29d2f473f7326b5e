import { isSettled, type StepRow, type StepState, satisfies, stepStates } from "#domain/step";
import type { TaskRow } from "#domain/task";

/**
 * What is wrong with the graphs of some Tasks, one sentence for each place; sorted, and empty if all is well. All
 * Steps of each Task must be given; of the Tasks only those whose counts are to be compared.
 *
 * It holds wherever the plane rests: while somebody is still being told that a Step is done, those that wait for
 * it have not counted it yet. A settled Step has stopped counting.
 */
export function auditGraph(steps: readonly StepRow[], tasks: readonly TaskRow[] = []): string[] {
  const families = new Map<string, StepRow[]>();
  for (const step of steps) {
    const family = families.get(step.taskId);
    if (family) family.push(step);
    else families.set(step.taskId, [step]);
  }
  const findings = [...families.values()].flatMap(auditFamily);
  const counts = tasks.flatMap((task) => auditCounts(task, families.get(task.id) ?? []));
  return [...findings, ...counts].sort();
}

function auditFamily(family: readonly StepRow[]): string[] {
  const byName = new Map(family.map((step) => [step.name, step]));
  return family.flatMap(({ taskId, name, state, unsatisfied, dependsOn, dependants }) => {
    const step = `${taskId}/${name}`;
    const missing = dependsOn.filter((before) => {
      const row = byName.get(before);
      return !row || !satisfies(row);
    });
    return [
      ...(isSettled(state) || unsatisfied === missing.length
        ? []
        : [`${step} waits for ${unsatisfied}, but ${missing.length} it depends on are not done`]),
      ...repeated(dependsOn).map((before) => `${step} depends on ${before} more than once`),
      ...repeated(dependants).map((after) => `${step} names ${after} as a dependant more than once`),
      ...dependsOn
        .filter((before) => !byName.get(before)?.dependants.includes(name))
        .map((before) => `${step} depends on ${before}, which does not name it`),
      ...dependants
        .filter((after) => !byName.get(after)?.dependsOn.includes(name))
        .map((after) => `${step} names ${after} as a dependant, which does not depend on it`),
    ];
  });
}

function auditCounts({ id, counts }: TaskRow, family: readonly StepRow[]): string[] {
  const found: Partial<Record<StepState, number>> = {};
  for (const { state } of family) found[state] = (found[state] ?? 0) + 1;
  return stepStates
    .filter((state) => (counts[state] ?? 0) !== (found[state] ?? 0))
    .map((state) => `${id} counts ${counts[state] ?? 0} ${state}, but has ${found[state] ?? 0}`);
}

/** Each name that is there more than once, once. */
function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}

const DONE =
  "d.state IN ('complete', 'resolved_manually') OR (d.state = 'error' AND d.spec ->> '$.member.failure' <> 'fail_fast')";

/** The same of every Task in a file of the SQLite store: a query whose rows are the sentences of {@link auditGraph}. */
export const auditGraphSql = `
WITH
  before AS (SELECT s.task_id, s.name, e.value AS other FROM steps AS s, json_each(s.depends_on) AS e),
  after AS (SELECT s.task_id, s.name, e.value AS other FROM steps AS s, json_each(s.dependants) AS e),
  missing AS (
    SELECT b.task_id, b.name, count(*) AS number FROM before AS b
      LEFT JOIN steps AS d ON d.task_id = b.task_id AND d.name = b.other
    WHERE (${DONE}) IS NOT TRUE GROUP BY b.task_id, b.name),
  states AS (SELECT DISTINCT state FROM steps UNION SELECT e.key FROM tasks, json_each(tasks.counts) AS e),
  had AS (SELECT task_id, state, count(*) AS number FROM steps GROUP BY task_id, state)
SELECT s.task_id || '/' || s.name || ' waits for ' || s.unsatisfied || ', but ' || coalesce(m.number, 0)
    || ' it depends on are not done' AS finding
  FROM steps AS s LEFT JOIN missing AS m ON m.task_id = s.task_id AND m.name = s.name
  WHERE s.state NOT IN (${stepStates
    .filter(isSettled)
    .map((state) => `'${state}'`)
    .join(", ")}) AND s.unsatisfied <> coalesce(m.number, 0)
UNION ALL
SELECT task_id || '/' || name || ' depends on ' || other || ' more than once'
  FROM before GROUP BY task_id, name, other HAVING count(*) > 1
UNION ALL
SELECT task_id || '/' || name || ' names ' || other || ' as a dependant more than once'
  FROM after GROUP BY task_id, name, other HAVING count(*) > 1
UNION ALL
SELECT b.task_id || '/' || b.name || ' depends on ' || b.other || ', which does not name it'
  FROM before AS b
  WHERE (b.task_id, b.other, b.name) NOT IN (SELECT task_id, name, other FROM after)
UNION ALL
SELECT a.task_id || '/' || a.name || ' names ' || a.other || ' as a dependant, which does not depend on it'
  FROM after AS a
  WHERE (a.task_id, a.other, a.name) NOT IN (SELECT task_id, name, other FROM before)
UNION ALL
SELECT t.id || ' counts ' || coalesce(t.counts ->> ('$.' || n.state), 0) || ' ' || n.state
    || ', but has ' || coalesce(h.number, 0)
  FROM tasks AS t CROSS JOIN states AS n LEFT JOIN had AS h ON h.task_id = t.id AND h.state = n.state
  WHERE coalesce(t.counts ->> ('$.' || n.state), 0) <> coalesce(h.number, 0)
ORDER BY finding`;
