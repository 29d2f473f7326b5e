/**
 * What several servers on one schema need: themselves, the workers of all of them, whose a Run is, and who is about to do
 * what is due or ready. All instants that nodes compare are milliseconds by the clock of the database.
 */
export const nodes = `
CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
  'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint';

CREATE TABLE nodes (
  id text COLLATE "C" PRIMARY KEY,
  -- What it says of itself, as JSON.
  data text NOT NULL,
  started_at bigint NOT NULL,
  lease_until bigint NOT NULL,
  draining boolean NOT NULL DEFAULT false,
  -- When it left, or was taken over: from then on it writes nothing.
  gone_at bigint,
  has_left boolean NOT NULL DEFAULT false,
  -- The node that has taken it over, or nothing.
  taken_by text COLLATE "C" NOT NULL DEFAULT '',
  -- When each of its workers was last heard, as a JSON object by session.
  heard text NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

CREATE TABLE workers (
  key text COLLATE "C" PRIMARY KEY,
  revision integer NOT NULL,
  node text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  -- Whether the session is neither detached nor gone.
  connected boolean NOT NULL,
  written_at bigint NOT NULL,
  -- The row as JSON.
  data text NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
CREATE INDEX workers_of_node ON workers (node) WHERE connected;

-- Empty for a Run that names no node.
ALTER TABLE runs ADD COLUMN node text COLLATE "C" NOT NULL DEFAULT '';
-- The session that holds it, or nothing.
ALTER TABLE runs ADD COLUMN held_by text COLLATE "C" NOT NULL DEFAULT '';
UPDATE runs SET held_by = data::json ->> 'heldBy' WHERE held;
CREATE INDEX runs_of_node ON runs (node, id) WHERE held;
CREATE INDEX runs_of_session ON runs (held_by) WHERE held;
-- What it was for is found by the Task's Runs, or by the first of these two.
DROP INDEX runs_held;

-- Who is about to assign a ready Step, and until when nobody else does.
ALTER TABLE steps ADD COLUMN claimed_by text COLLATE "C";
ALTER TABLE steps ADD COLUMN claimed_until bigint;
-- Likewise for what is due.
ALTER TABLE deadlines ADD COLUMN claimed_by text COLLATE "C";
ALTER TABLE deadlines ADD COLUMN claimed_until bigint;

ALTER TABLE agents ADD COLUMN written_at bigint NOT NULL DEFAULT now_ms();

-- PENDING Tasks, as many rows as nodes count them: none waits for another one's. Only their sum means anything.
CREATE TABLE waiting (
  namespace text COLLATE "C" NOT NULL,
  node text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (namespace, node)
) WITH (fillfactor = 50);
INSERT INTO waiting (namespace, node, count)
  SELECT namespace, '', count(*) FROM tasks WHERE status = 'PENDING' GROUP BY namespace;
DROP INDEX tasks_waiting;

-- A node joins, or renews its lease if it has joined. Refused while a server is alone on the store; from then on such a
-- server, should it come back, writes nothing. Nothing is returned for a node that is gone.
CREATE FUNCTION join_1(joining text, info text, lease bigint) RETURNS TABLE (now bigint, until bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(hashtext(current_schema), 1) THEN
    RAISE EXCEPTION 'a server is alone on this store' USING ERRCODE = 'TR006';
  END IF;
  IF NOT EXISTS (SELECT FROM nodes WHERE gone_at IS NULL) THEN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema), 2);
    UPDATE plane SET incarnation = incarnation + 1;
  END IF;
  RETURN QUERY INSERT INTO nodes AS n (id, data, started_at, lease_until)
    VALUES (joining, info, now_ms(), now_ms() + lease)
    ON CONFLICT (id) DO UPDATE SET lease_until = now_ms() + lease WHERE n.gone_at IS NULL
    RETURNING n.lease_until - lease, n.lease_until;
END $$;

-- Takes a node over whose lease has ended or which has left. The lock waits for a commit of it that is under way, and the
-- next one finds that it is gone.
CREATE FUNCTION take_over_1(dead text, taker text) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  found_node nodes;
BEGIN
  PERFORM FROM nodes WHERE id = taker AND gone_at IS NULL;
  IF NOT FOUND THEN RAISE EXCEPTION '%', taker USING ERRCODE = 'TR005'; END IF;
  IF dead = '' THEN RETURN true; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended(dead, 1));
  SELECT * INTO found_node FROM nodes WHERE id = dead FOR UPDATE;
  IF NOT FOUND OR found_node.taken_by = taker THEN RETURN true; END IF;
  IF found_node.gone_at IS NULL AND found_node.lease_until > now_ms() THEN RETURN false; END IF;
  IF EXISTS (SELECT FROM nodes WHERE id = found_node.taken_by AND gone_at IS NULL AND lease_until > now_ms()) THEN
    RETURN false;
  END IF;
  UPDATE nodes SET gone_at = coalesce(gone_at, now_ms()), taken_by = taker WHERE id = dead;
  RETURN true;
END $$;

CREATE FUNCTION leave_1(leaving text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(leaving, 1));
  UPDATE nodes SET gone_at = now_ms(), has_left = true WHERE id = leaving AND gone_at IS NULL;
END $$;

-- Ends every node that has not left: a server takes the store for itself alone. Returns one that is live, if there is one.
CREATE FUNCTION end_nodes_1() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  live text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(id, 1)) FROM (
    SELECT id FROM nodes WHERE gone_at IS NULL ORDER BY id) AS there;
  SELECT data INTO live FROM nodes WHERE gone_at IS NULL AND lease_until > now_ms() LIMIT 1;
  IF FOUND THEN RETURN live; END IF;
  UPDATE nodes SET gone_at = now_ms() WHERE gone_at IS NULL;
  RETURN NULL;
END $$;

CREATE FUNCTION remove_gone_1(age bigint, most int) RETURNS int LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  removed int;
  n int;
BEGIN
  WITH old AS MATERIALIZED (
    SELECT id FROM nodes AS n WHERE coalesce(gone_at, lease_until) < now_ms() - age
      AND NOT EXISTS (SELECT FROM runs AS r WHERE r.node = n.id AND r.held)
    ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED),
  quiet AS MATERIALIZED (SELECT id, pg_advisory_xact_lock(hashtextextended(id, 1)) FROM old)
  DELETE FROM nodes AS n USING quiet WHERE n.id = quiet.id;
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM workers AS w USING (
    SELECT key FROM workers AS w WHERE written_at < now_ms() - age
      AND (NOT connected OR NOT EXISTS (SELECT FROM nodes WHERE id = w.node))
    ORDER BY key LIMIT most FOR UPDATE SKIP LOCKED) AS old WHERE w.key = old.key;
  GET DIAGNOSTICS n = ROW_COUNT;
  -- What nodes have counted that are gone is counted as nobody's.
  WITH counted AS (
    DELETE FROM waiting AS c WHERE node <> '' AND NOT EXISTS (SELECT FROM nodes WHERE id = c.node)
    RETURNING namespace, count)
  INSERT INTO waiting AS c (namespace, node, count)
    SELECT namespace, '', sum(count) FROM counted GROUP BY namespace
    ON CONFLICT (namespace, node) DO UPDATE SET count = c.count + excluded.count;
  RETURN removed + n;
END $$;

-- Nothing is lost with a claim: none of the two waits for the disk.
CREATE FUNCTION claim_ready_1(wanted text, most bigint, claimant text, lease bigint)
RETURNS TABLE (fixed text, data text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  RETURN QUERY WITH chosen AS MATERIALIZED (
    SELECT task_id, name FROM steps
    WHERE lane = wanted AND (claimed_until IS NULL OR claimed_by = claimant OR claimed_until < now_ms())
    ORDER BY rank, task_id, name LIMIT most FOR NO KEY UPDATE SKIP LOCKED),
  claimed AS (
    UPDATE steps AS s SET claimed_by = claimant, claimed_until = now_ms() + lease FROM chosen AS c
    WHERE s.task_id = c.task_id AND s.name = c.name
    RETURNING s.rank, s.task_id, s.name, s.fixed, s.data)
  SELECT fixed, data FROM claimed ORDER BY rank, task_id, name;
END $$;

CREATE FUNCTION claim_due_1(moment bigint, starts boolean, most bigint, claimant text, lease bigint)
RETURNS TABLE (task_id text, step_name text, kind text, at bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  -- Two statements, each with an index of its own.
  IF starts THEN
    RETURN QUERY WITH chosen AS MATERIALIZED (
      SELECT task_id, step_name, kind FROM deadlines
      WHERE at <= moment AND kind = 'start'
        AND (claimed_until IS NULL OR claimed_by = claimant OR claimed_until < now_ms())
      ORDER BY at, task_id, step_name LIMIT most FOR NO KEY UPDATE SKIP LOCKED),
    claimed AS (
      UPDATE deadlines AS d SET claimed_by = claimant, claimed_until = now_ms() + lease FROM chosen AS c
      WHERE d.task_id = c.task_id AND d.step_name = c.step_name AND d.kind = c.kind
      RETURNING d.task_id, d.step_name, d.kind, d.at)
    SELECT task_id, step_name, kind, at FROM claimed ORDER BY at, task_id, step_name;
  ELSE
    RETURN QUERY WITH chosen AS MATERIALIZED (
      SELECT task_id, step_name, kind FROM deadlines
      WHERE at <= moment AND kind <> 'start'
        AND (claimed_until IS NULL OR claimed_by = claimant OR claimed_until < now_ms())
      ORDER BY at, task_id, step_name, kind LIMIT most FOR NO KEY UPDATE SKIP LOCKED),
    claimed AS (
      UPDATE deadlines AS d SET claimed_by = claimant, claimed_until = now_ms() + lease FROM chosen AS c
      WHERE d.task_id = c.task_id AND d.step_name = c.step_name AND d.kind = c.kind
      RETURNING d.task_id, d.step_name, d.kind, d.at)
    SELECT task_id, step_name, kind, at FROM claimed ORDER BY at, task_id, step_name, kind;
  END IF;
END $$;
`;
