/**
 * Moves all fields that no SQL searches for into one column, `rest`: a JSON array, in the order given by `rows.ts`. This
 * greatly reduces the cost of passing a row to the store's thread and of binding it.
 *
 * The seq of a log's last line is no longer stored in the Task, since it follows from the log.
 */
export const rest = `
CREATE TABLE tasks_new (
  id TEXT NOT NULL PRIMARY KEY,
  namespace TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  has_run INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  counts TEXT NOT NULL,
  holds_key INTEGER NOT NULL,
  -- Both stand in the spec too; here they can be searched for.
  agent_name TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  spec TEXT NOT NULL,
  rest TEXT NOT NULL
) STRICT;
INSERT INTO tasks_new
  SELECT id, namespace, revision, state, has_run, finished_at, counts, holds_key, agent_name, idempotency_key, spec,
    json_array(created_at, reason, error_message, tolerated, isolated, json(opened), compensated_by)
  FROM tasks;
DROP TABLE tasks;
ALTER TABLE tasks_new RENAME TO tasks;
CREATE INDEX tasks_listed ON tasks (namespace, id);
CREATE INDEX tasks_waiting ON tasks (namespace) WHERE has_run = 0
  AND state IN ('pending', 'initializing', 'enqueuing_steps', 'waiting_for_dependencies', 'waiting_for_retry');
CREATE UNIQUE INDEX tasks_by_key ON tasks (namespace, idempotency_key)
  WHERE holds_key = 1 AND idempotency_key <> '';
CREATE INDEX tasks_finished ON tasks (finished_at, id) WHERE finished_at > 0;

CREATE TABLE steps_new (
  -- Grows with every Step inserted: within a Task, the order of its DAG.
  position INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  depends_on TEXT NOT NULL,
  dependants TEXT NOT NULL,
  unsatisfied INTEGER NOT NULL,
  lane TEXT NOT NULL,
  rank INTEGER NOT NULL,
  spec TEXT NOT NULL,
  rest TEXT NOT NULL,
  UNIQUE (task_id, name)
) STRICT;
INSERT INTO steps_new
  SELECT position, task_id, name, revision, state, depends_on, dependants, unsatisfied, lane, rank, spec,
    json_array(agent_name, json(members), fence, attempts, max_attempts, declines, avoid_worker, avoid_until,
      next_attempt_at, run_id, output_bytes, error_message, json(iif(has_input, 'true', 'false')),
      json(iif(signalled, 'true', 'false')), child_id, started_at, finished_at, finished_order)
  FROM steps;
DROP TABLE steps;
ALTER TABLE steps_new RENAME TO steps;
CREATE INDEX backlog ON steps (lane, rank, task_id, name) WHERE state = 'enqueued';

CREATE TABLE runs_new (
  id TEXT NOT NULL PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step_name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  status TEXT NOT NULL,
  held_by TEXT NOT NULL,
  rest TEXT NOT NULL
) STRICT;
INSERT INTO runs_new
  SELECT id, task_id, step_name, revision, status, held_by,
    json_array(namespace, session, principal, worker_id, instance, agent_name, fence, attempt, ordinal, created_at,
      started_at, finished_at, reason, error_message, json(backend), next_seq, output_bytes)
  FROM runs;
DROP TABLE runs;
ALTER TABLE runs_new RENAME TO runs;
CREATE INDEX runs_of_task ON runs (task_id, id);
CREATE INDEX runs_held ON runs (task_id) WHERE held_by <> '';

CREATE TRIGGER tasks_terminal BEFORE UPDATE OF state ON tasks
  WHEN old.state IN ('complete', 'error', 'cancelled', 'resolved_manually') AND new.state <> old.state
BEGIN
  SELECT RAISE(ABORT, 'the state of a Task that has ended never changes');
END;

CREATE TRIGGER runs_terminal BEFORE UPDATE OF status ON runs
  WHEN old.status IN ('COMPLETED', 'FAILED', 'CANCELLED') AND new.status <> old.status
BEGIN
  SELECT RAISE(ABORT, 'the status of a Run that has ended never changes');
END;
`;
