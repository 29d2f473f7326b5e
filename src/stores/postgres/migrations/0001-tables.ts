/**
 * The tables. Of a row the database knows what it has to find, in columns; the row itself is two JSON texts: `fixed`, which is
 * written once, and `data`, which is written with every revision. They are named, so that a release reads what another one
 * has written.
 *
 * Texts sort by their bytes, as the plane compares them. No table has a foreign key: each would cost a look-up for
 * every row, and what it would hold is held by `commit_1`.
 */
const oftenChanged =
  "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000)";

export const tables = `
CREATE TABLE plane (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  -- Names this store for life.
  store text NOT NULL,
  -- Counted up by each server that takes the store for itself alone.
  incarnation bigint NOT NULL DEFAULT 0
);
INSERT INTO plane (store) VALUES (gen_random_uuid()::text);

-- The ids of lately written commits, with what was answered. The newest has the last recorded instant.
CREATE TABLE commits (
  id text COLLATE "C" PRIMARY KEY,
  -- Plane time.
  at bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- A JSON object: where the new log lines of each Task begin, of Tasks that were there before.
  first_seqs text
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX commits_written ON commits (written_at);

CREATE TABLE tasks (
  id text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  -- The public status.
  status text COLLATE "C" NOT NULL,
  -- The terminal state, once it is in one.
  ended text COLLATE "C",
  finished_at bigint NOT NULL,
  -- The idempotency key that it owns, as a JSON string: a text cannot hold all that a key may.
  key text COLLATE "C",
  agent_name text COLLATE "C" NOT NULL,
  -- Each a JSON array of name and value.
  labels text[] COLLATE "C" NOT NULL,
  fixed text NOT NULL,
  data text NOT NULL
) ${oftenChanged};
CREATE INDEX tasks_listed ON tasks (namespace, id);
CREATE INDEX tasks_waiting ON tasks (namespace) WHERE status = 'PENDING';
CREATE UNIQUE INDEX tasks_by_key ON tasks (namespace, key) WHERE key IS NOT NULL;
CREATE INDEX tasks_finished ON tasks (finished_at, id) WHERE finished_at > 0;

CREATE TABLE steps (
  task_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- Grows with every Step inserted: within a Task, the order of its graph.
  position bigint GENERATED ALWAYS AS IDENTITY,
  revision integer NOT NULL,
  ended boolean NOT NULL,
  -- The lane that it waits in, and its place there, while it is ready.
  lane text COLLATE "C",
  rank bigint NOT NULL,
  fixed text NOT NULL,
  data text NOT NULL,
  PRIMARY KEY (task_id, name)
) ${oftenChanged};
CREATE INDEX steps_ready ON steps (lane, rank, task_id, name) WHERE lane IS NOT NULL;

CREATE TABLE runs (
  id text COLLATE "C" PRIMARY KEY,
  task_id text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  -- The terminal status, once it has one.
  ended text COLLATE "C",
  -- Whether a worker still holds it.
  held boolean NOT NULL,
  fixed text NOT NULL,
  data text NOT NULL
) ${oftenChanged};
CREATE INDEX runs_of_task ON runs (task_id, id);
CREATE INDEX runs_held ON runs (task_id) WHERE held;

-- The seq that the next log line of a Task gets. Apart from the Task's row, so that output moves no revision.
CREATE TABLE log_heads (
  task_id text COLLATE "C" PRIMARY KEY,
  next integer NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);

CREATE TABLE deadlines (
  task_id text COLLATE "C" NOT NULL,
  step_name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (task_id, step_name, kind)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX deadlines_due ON deadlines (at, task_id, step_name, kind) WHERE kind <> 'start';
CREATE INDEX deadlines_starts ON deadlines (at, task_id, step_name) WHERE kind = 'start';

CREATE TABLE lanes (
  key text COLLATE "C" PRIMARY KEY,
  namespace text COLLATE "C" NOT NULL,
  agent_name text COLLATE "C" NOT NULL,
  -- A JSON object.
  selector text NOT NULL
);

CREATE TABLE templates (
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  version text COLLATE "C" NOT NULL,
  -- The version as a text that sorts by precedence, see domain/template/version.ts.
  version_key text COLLATE "C" NOT NULL,
  -- Of body and source.
  bytes integer NOT NULL,
  -- The row as JSON.
  data text NOT NULL,
  PRIMARY KEY (namespace, name, version)
);
CREATE INDEX templates_listed ON templates (namespace, name, version_key DESC);

CREATE TABLE agents (
  -- Empty for agents of workers that serve all namespaces.
  namespace text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- The row as JSON.
  data text NOT NULL,
  PRIMARY KEY (namespace, name)
);

-- What is large lies apart, in partitions by the time in the ids of Tasks: with an old week its files are gone as well.
CREATE TABLE texts (
  task_id text COLLATE "C" NOT NULL,
  -- The kind of text, as domain/row-kinds.ts names it.
  kind text COLLATE "C" NOT NULL,
  -- Its Step; empty for a text of the Task.
  step_name text COLLATE "C" NOT NULL,
  json text NOT NULL,
  PRIMARY KEY (task_id, kind, step_name)
) PARTITION BY RANGE (task_id);
CREATE TABLE texts_others PARTITION OF texts DEFAULT;

CREATE TABLE log (
  task_id text COLLATE "C" NOT NULL,
  -- The row has the lines first_seq … first_seq + count − 1, as a JSON array.
  first_seq integer NOT NULL,
  count integer NOT NULL CHECK (count > 0),
  entries text NOT NULL,
  PRIMARY KEY (task_id, first_seq)
) PARTITION BY RANGE (task_id);
CREATE TABLE log_others PARTITION OF log DEFAULT;
`;
