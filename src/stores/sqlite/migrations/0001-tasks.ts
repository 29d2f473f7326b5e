/**
 * The tables of the first release.
 *
 * Data that changes often is stored apart from large data: inputs, outputs and the log are not written when the state
 * of a Task or Step changes. Indexes over states contain live rows only, so that a million finished Tasks do not slow
 * down live ones. Columns named like a domain field have the same meaning.
 */
export const tasks = `
CREATE TABLE plane (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Plane time of the last commit.
  at INTEGER NOT NULL
) STRICT;
INSERT INTO plane (id, at) VALUES (1, 0);

CREATE TABLE tasks (
  id TEXT NOT NULL PRIMARY KEY,
  namespace TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  has_run INTEGER NOT NULL,
  counts TEXT NOT NULL,
  finished_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  error_message TEXT NOT NULL,
  -- The seq of the last log line. Commits of the log move it; it has no part in the revision.
  last_seq INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  -- Both stand in the spec too; here they can be searched for.
  agent_name TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  spec TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_listed ON tasks (namespace, id);
CREATE INDEX tasks_waiting ON tasks (namespace) WHERE has_run = 0
  AND state IN ('pending', 'initializing', 'enqueuing_steps', 'waiting_for_dependencies', 'waiting_for_retry');
CREATE UNIQUE INDEX tasks_by_key ON tasks (namespace, idempotency_key) WHERE idempotency_key <> '';
CREATE INDEX tasks_finished ON tasks (finished_at, id) WHERE finished_at > 0;

CREATE TABLE inputs (
  task_id TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  json TEXT NOT NULL
) STRICT;

CREATE TABLE steps (
  -- Grows with every Step inserted: within a Task, the order of its DAG.
  position INTEGER PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  depends_on TEXT NOT NULL,
  unsatisfied INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  declines INTEGER NOT NULL,
  avoid_worker TEXT NOT NULL,
  avoid_until INTEGER NOT NULL,
  lane TEXT NOT NULL,
  rank INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  run_id TEXT NOT NULL,
  output_bytes INTEGER NOT NULL,
  error_message TEXT NOT NULL,
  UNIQUE (task_id, name)
) STRICT;
CREATE INDEX backlog ON steps (lane, rank, task_id, name) WHERE state = 'enqueued';

CREATE TABLE outputs (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step_name TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (task_id, step_name)
) STRICT;

CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step_name TEXT NOT NULL,
  namespace TEXT NOT NULL,
  revision INTEGER NOT NULL,
  status TEXT NOT NULL,
  held_by TEXT NOT NULL,
  session TEXT NOT NULL,
  principal TEXT NOT NULL,
  worker_id TEXT NOT NULL,
  instance TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  fence INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  error_message TEXT NOT NULL,
  backend TEXT NOT NULL,
  next_seq INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_of_task ON runs (task_id, id);
CREATE INDEX runs_held ON runs (task_id) WHERE held_by <> '';

CREATE TABLE log (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  -- The row holds the lines first_seq … first_seq + count − 1, as a JSON array.
  first_seq INTEGER NOT NULL,
  count INTEGER NOT NULL CHECK (count > 0),
  entries TEXT NOT NULL,
  PRIMARY KEY (task_id, first_seq)
) STRICT;

CREATE TABLE deadlines (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step_name TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (task_id, step_name, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX deadlines_due ON deadlines (at, task_id, step_name, kind);

CREATE TABLE lanes (
  key TEXT NOT NULL PRIMARY KEY,
  namespace TEXT NOT NULL,
  agent_name TEXT NOT NULL,
  selector TEXT NOT NULL
) STRICT, WITHOUT ROWID;

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
