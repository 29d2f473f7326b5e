import { hasEnded, stepStates } from "#domain/task/step";

export { auditGraph } from "#domain/task/audit";

const DONE =
  "d.state IN ('complete', 'resolved_manually') OR (d.state = 'error' AND d.spec ->> '$.member.failure' <> 'fail_fast')";

/**
 * {@link auditGraph} for every Task in a database of the SQLite store: a query with one row, `finding`, for each
 * inconsistency between the dependencies, counters and states of Steps.
 */
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
    .filter(hasEnded)
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
