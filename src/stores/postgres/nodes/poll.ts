import type { NodeId, RunId, SessionId, TaskId } from "#domain/id";
import type { Pause } from "#domain/pause/pause";
import { type Lane, storedLane } from "#domain/task/lane";
import { instant } from "#domain/time/time";
import type { AgentRow } from "#domain/worker/agent";
import type { WorkerRow } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { Polled, PollQuery } from "#ports/nodes";
import { instantOf } from "../boot.js";
import type { Cells } from "../connect/connection.js";

/** What was written so long before the last poll is answered again: its transaction may have ended only after it. */
const SLACK = limits.postgresStatement;

const due = (kinds: string) => `(SELECT at FROM deadlines WHERE ${kinds}
    AND (claimed_until IS NULL OR claimed_by = $6 OR claimed_until < now_ms()) ORDER BY at LIMIT 1)`;

/** One row of which each cell but the first, the seventh and the last but one is a JSON array, or null for an empty one. All of one snapshot. */
export const pollStatement = {
  name: "poll",
  text: `SELECT now_ms(),
  (SELECT json_agg(json_build_array(id, last, over))::text FROM (
    SELECT w.id, coalesce(h.next, 1) - 1 AS last, t.ended IS NOT NULL AS over
    FROM unnest($2::text[], $3::int[]) AS w(id, seq) LEFT JOIN log_heads AS h ON h.task_id = w.id
    LEFT JOIN tasks AS t ON t.id = w.id
    WHERE coalesce(h.next, 1) - 1 <> w.seq OR t.ended IS NOT NULL) AS tasks),
  (SELECT json_agg(json_build_array(id, task_id, held_by))::text FROM (
    SELECT id, task_id, held_by FROM runs WHERE held AND node = $1 AND ended IS NOT NULL
    ORDER BY id LIMIT ${limits.pollRuns}) AS over),
  (SELECT json_agg(w.data::json)::text FROM unnest($4::text[], $5::int[]) AS k(key, revision)
    JOIN workers AS w ON w.key = k.key WHERE w.revision <> k.revision),
  (SELECT json_agg(id)::text FROM (
    SELECT id FROM (
      SELECT '' AS id, 0 AS lease_until WHERE EXISTS (SELECT FROM runs WHERE held AND node = '')
      UNION ALL
      SELECT id, lease_until FROM nodes AS n WHERE id <> $1 AND (gone_at IS NOT NULL OR lease_until <= now_ms())
        AND (taken_by = '' OR EXISTS (SELECT FROM runs AS r WHERE r.held AND r.node = n.id)
          AND NOT EXISTS (SELECT FROM nodes AS t WHERE t.id = n.taken_by AND t.id <> $1
            AND t.gone_at IS NULL AND t.lease_until > now_ms()))) AS candidates
    ORDER BY lease_until, id LIMIT ${limits.pollNodes}) AS dead),
  (SELECT json_agg(json_build_array(key, namespace, agent_name, selector::json))::text FROM (
    SELECT key, namespace, agent_name, selector FROM lanes AS l WHERE EXISTS (SELECT FROM steps WHERE lane = l.key)
    ORDER BY key LIMIT ${limits.pollLanes}) AS ready),
  least(${due("kind <> 'start'")}, ${due("kind = 'start'")}),
  (SELECT json_agg(json_build_array(namespace, count))::text FROM (
    SELECT namespace, sum(count) AS count FROM waiting GROUP BY namespace HAVING sum(count) <> 0) AS waiting),
  (SELECT json_agg(json_build_array(namespace, count))::text FROM (
    SELECT namespace, count(*) FROM templates GROUP BY namespace) AS templates),
  (SELECT json_agg(data::json)::text FROM agents WHERE written_at >= $7),
  NOT EXISTS (SELECT FROM nodes WHERE id <> $1 AND gone_at IS NULL),
  (SELECT json_agg(data::json)::text FROM pauses)`,
} as const;

export function pollValues({ node, since, tasks, workers }: PollQuery, claimant: string): readonly unknown[] {
  return [
    node,
    tasks.map(({ taskId }) => taskId),
    tasks.map(({ seq }) => seq),
    workers.map(({ key }) => key),
    workers.map(({ revision }) => revision),
    claimant,
    Math.max(0, since - SLACK),
  ];
}

export function polledFrom(row: Cells): Polled {
  const [now, tasks, over, workers, dead, lanes, nextDueAt, waiting, templates, agents, alone, pauses] = row;
  return {
    now: instant(Number(now)),
    alone: alone === true,
    tasks: listOf<[TaskId, number, boolean]>(tasks).map(([taskId, lastSeq, ended]) => {
      return { taskId, lastSeq, ended };
    }),
    over: listOf<[RunId, TaskId, SessionId]>(over).map(([runId, taskId, session]) => {
      return { runId, taskId, session };
    }),
    workers: listOf<WorkerRow>(workers),
    dead: listOf<NodeId | "">(dead),
    lanes: listOf<[string, string, string, Lane["selector"]]>(lanes).map(
      ([key, namespace, agentName, selector]) => {
        return storedLane({ key, namespace, agentName, selector });
      },
    ),
    nextDueAt: instantOf([nextDueAt ?? null]),
    waiting: new Map(listOf<[string, number]>(waiting)),
    templates: new Map(listOf<[string, number]>(templates)),
    agents: listOf<AgentRow>(agents),
    pauses: listOf<Pause>(pauses),
  };
}

function listOf<Item>(cell: Cells[number] | undefined): readonly Item[] {
  return cell === null || cell === undefined ? [] : JSON.parse(String(cell));
}
