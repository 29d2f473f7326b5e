/**
 * What a turn is written with where several servers may write: as `commit_1`, and it is refused if its node is gone, keeps the
 * rows of workers and the number of waiting Tasks, and takes no lane away in which another server has put a Step.
 *
 * Rows are locked kind by kind in one order, and in a kind by id; only then anything is written.
 */
export const commit = `
CREATE FUNCTION commit_2(
  commit_id text, plane_time bigint, owner bigint, writer text,
  expected_tasks json, expected_steps json, expected_runs json, expected_workers json, needed_tasks json, moved_heads json,
  released_keys json, changed_tasks json, changed_tasks_count int, new_tasks json,
  changed_steps json, new_steps json, changed_runs json, changed_runs_count int, new_runs json,
  put_texts json, new_templates json, new_heads json, new_log json,
  set_deadlines json, removed_deadlines json, removed_lanes json, added_lanes json,
  forgotten_agents json, put_agents json, changed_workers json, new_workers json, some_wait boolean
) RETURNS text LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  n int;
  waited int := 0;
  answer text;
BEGIN
  -- An earlier call with this id whose answer was lost has ended once this lock is ours.
  PERFORM pg_advisory_xact_lock(hashtextextended(commit_id, 0));
  SELECT first_seqs INTO answer FROM commits WHERE id = commit_id;
  IF FOUND THEN RETURN answer; END IF;

  IF owner IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema), 2);
    PERFORM FROM plane WHERE incarnation = owner;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'another server has taken this store over' USING ERRCODE = 'TR004';
    END IF;
  END IF;

  IF writer IS NOT NULL THEN
    -- Whoever takes this node over waits for this lock, so that nothing of it is under way then.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(writer, 1));
    PERFORM FROM nodes WHERE id = writer AND gone_at IS NULL;
    IF NOT FOUND THEN RAISE EXCEPTION '%', writer USING ERRCODE = 'TR005'; END IF;
  END IF;

  IF expected_tasks IS NOT NULL THEN
    SELECT count(*), count(*) FILTER (WHERE waits) INTO n, waited FROM (
      SELECT t.status = 'PENDING' AS waits FROM json_to_recordset(expected_tasks) AS w(id text, revision int)
      JOIN tasks AS t ON t.id = w.id AND t.revision = w.revision
      ORDER BY t.id FOR NO KEY UPDATE OF t) AS locked;
    IF n < json_array_length(expected_tasks) THEN RETURN 'moved'; END IF;
  END IF;
  IF needed_tasks IS NOT NULL THEN
    SELECT count(*) INTO n FROM (
      SELECT FROM json_array_elements_text(needed_tasks) AS w(id)
      JOIN tasks AS t ON t.id = w.id ORDER BY t.id FOR KEY SHARE OF t) AS locked;
    IF n < json_array_length(needed_tasks) THEN RETURN 'gone'; END IF;
  END IF;
  IF expected_steps IS NOT NULL THEN
    SELECT count(*) INTO n FROM (
      SELECT FROM json_to_recordset(expected_steps) AS w(task_id text, name text, revision int)
      JOIN steps AS t ON t.task_id = w.task_id AND t.name = w.name AND t.revision = w.revision
      ORDER BY t.task_id, t.name FOR NO KEY UPDATE OF t) AS locked;
    IF n < json_array_length(expected_steps) THEN RETURN 'moved'; END IF;
  END IF;
  IF expected_runs IS NOT NULL THEN
    SELECT count(*) INTO n FROM (
      SELECT FROM json_to_recordset(expected_runs) AS w(id text, revision int)
      JOIN runs AS t ON t.id = w.id AND t.revision = w.revision
      ORDER BY t.id FOR NO KEY UPDATE OF t) AS locked;
    IF n < json_array_length(expected_runs) THEN RETURN 'moved'; END IF;
  END IF;
  IF expected_workers IS NOT NULL THEN
    SELECT count(*) INTO n FROM (
      SELECT FROM json_to_recordset(expected_workers) AS w(key text, revision int)
      JOIN workers AS t ON t.key = w.key AND t.revision = w.revision
      ORDER BY t.key FOR NO KEY UPDATE OF t) AS locked;
    IF n < json_array_length(expected_workers) THEN RETURN 'moved'; END IF;
  END IF;
  IF moved_heads IS NOT NULL THEN
    SELECT count(*) INTO n FROM (
      SELECT FROM json_to_recordset(moved_heads) AS w(task_id text)
      JOIN log_heads AS t ON t.task_id = w.task_id
      ORDER BY t.task_id FOR NO KEY UPDATE OF t) AS locked;
    IF n < json_array_length(moved_heads) THEN RETURN 'gone'; END IF;
  END IF;

  -- A key that is released may be taken by another Task of the same commit.
  IF released_keys IS NOT NULL THEN
    UPDATE tasks AS t SET key = NULL FROM json_array_elements_text(released_keys) AS w(id) WHERE t.id = w.id;
  END IF;
  IF some_wait OR waited > 0 THEN
    INSERT INTO waiting AS c (namespace, node, count)
    SELECT namespace, coalesce(writer, ''), sum(more) FROM (
      SELECT t.namespace, (w.status = 'PENDING')::int - (t.status = 'PENDING')::int AS more
      FROM json_to_recordset(changed_tasks) AS w(id text, status text) JOIN tasks AS t ON t.id = w.id
      UNION ALL
      SELECT namespace, 1 FROM json_to_recordset(new_tasks) AS w(namespace text, status text)
      WHERE w.status = 'PENDING') AS moved
    GROUP BY namespace HAVING sum(more) <> 0 ORDER BY namespace
    ON CONFLICT (namespace, node) DO UPDATE SET count = c.count + excluded.count;
  END IF;
  IF changed_tasks IS NOT NULL THEN
    UPDATE tasks AS t SET revision = w.revision, status = w.status, ended = w.ended, finished_at = w.finished_at,
      key = w.key, data = w.data
    FROM json_to_recordset(changed_tasks) AS w(id text, revision int, status text, ended text, finished_at bigint,
      key text, data text)
    WHERE t.id = w.id AND (t.ended IS NULL OR t.ended = w.ended);
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n < changed_tasks_count THEN
      RAISE EXCEPTION 'the state of a Task that has ended never changes' USING ERRCODE = 'TR002';
    END IF;
  END IF;
  IF new_tasks IS NOT NULL THEN
    INSERT INTO tasks (id, namespace, revision, status, ended, finished_at, key, agent_name, labels, fixed, data)
    SELECT id, namespace, revision, status, ended, finished_at, key, agent_name, labels, fixed, data
    FROM json_to_recordset(new_tasks) AS w(id text, namespace text, revision int, status text, ended text,
      finished_at bigint, key text, agent_name text, labels text[], fixed text, data text);
  END IF;
  IF changed_steps IS NOT NULL THEN
    UPDATE steps AS t SET revision = w.revision, ended = w.ended, lane = w.lane, rank = w.rank, data = w.data,
      claimed_by = NULL, claimed_until = NULL
    FROM json_to_recordset(changed_steps) AS w(task_id text, name text, revision int, ended boolean, lane text,
      rank bigint, data text)
    WHERE t.task_id = w.task_id AND t.name = w.name;
  END IF;
  IF new_steps IS NOT NULL THEN
    INSERT INTO steps (task_id, name, revision, ended, lane, rank, fixed, data)
    SELECT task_id, name, revision, ended, lane, rank, fixed, data
    FROM json_to_recordset(new_steps) AS w(task_id text, name text, revision int, ended boolean, lane text,
      rank bigint, fixed text, data text);
  END IF;
  IF changed_runs IS NOT NULL THEN
    UPDATE runs AS t SET revision = w.revision, ended = w.ended, held = w.held, node = w.node, held_by = w.held_by,
      data = w.data
    FROM json_to_recordset(changed_runs) AS w(id text, revision int, ended text, held boolean, node text,
      held_by text, data text)
    WHERE t.id = w.id AND (t.ended IS NULL OR t.ended = w.ended);
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n < changed_runs_count THEN
      RAISE EXCEPTION 'the status of a Run that has ended never changes' USING ERRCODE = 'TR002';
    END IF;
  END IF;
  IF new_runs IS NOT NULL THEN
    INSERT INTO runs (id, task_id, revision, ended, held, node, held_by, fixed, data)
    SELECT id, task_id, revision, ended, held, node, held_by, fixed, data
    FROM json_to_recordset(new_runs) AS w(id text, task_id text, revision int, ended text, held boolean, node text,
      held_by text, fixed text, data text);
  END IF;
  IF changed_workers IS NOT NULL THEN
    UPDATE workers AS t SET revision = w.revision, node = w.node, session = w.session, connected = w.connected,
      written_at = now_ms(), data = w.data
    FROM json_to_recordset(changed_workers) AS w(key text, revision int, node text, session text, connected boolean,
      data text)
    WHERE t.key = w.key;
  END IF;
  IF new_workers IS NOT NULL THEN
    INSERT INTO workers (key, revision, node, session, connected, written_at, data)
    SELECT key, revision, node, session, connected, now_ms(), data
    FROM json_to_recordset(new_workers) AS w(key text, revision int, node text, session text, connected boolean,
      data text);
  END IF;
  IF put_texts IS NOT NULL THEN
    INSERT INTO texts (task_id, kind, step_name, json)
    SELECT task_id, kind, step_name, json
    FROM json_to_recordset(put_texts) AS w(task_id text, kind text, step_name text, json text)
    ON CONFLICT (task_id, kind, step_name) DO UPDATE SET json = excluded.json;
  END IF;
  IF new_templates IS NOT NULL THEN
    INSERT INTO templates (namespace, name, version, version_key, bytes, data)
    SELECT namespace, name, version, version_key, bytes, data
    FROM json_to_recordset(new_templates) AS w(namespace text, name text, version text, version_key text, bytes int,
      data text);
  END IF;

  IF new_heads IS NOT NULL THEN
    INSERT INTO log_heads (task_id, next)
    SELECT task_id, next FROM json_to_recordset(new_heads) AS w(task_id text, next int);
  END IF;
  IF moved_heads IS NOT NULL THEN
    UPDATE log_heads AS t SET next = t.next + w.count
    FROM json_to_recordset(moved_heads) AS w(task_id text, count int) WHERE t.task_id = w.task_id;
    SELECT json_object_agg(t.task_id, t.next - w.count)::text INTO answer
    FROM json_to_recordset(moved_heads) AS w(task_id text, count int)
    JOIN log_heads AS t ON t.task_id = w.task_id;
  END IF;
  IF new_log IS NOT NULL THEN
    -- Each row says how far before the Task's new end it begins.
    INSERT INTO log (task_id, first_seq, count, entries)
    SELECT w.task_id, t.next - w.before_end, w.count, w.entries
    FROM json_to_recordset(new_log) AS w(task_id text, before_end int, count int, entries text)
    JOIN log_heads AS t ON t.task_id = w.task_id;
  END IF;

  IF removed_deadlines IS NOT NULL THEN
    DELETE FROM deadlines AS t
    USING json_to_recordset(removed_deadlines) AS w(task_id text, step_name text, kind text)
    WHERE t.task_id = w.task_id AND t.step_name = w.step_name AND t.kind = w.kind;
  END IF;
  IF set_deadlines IS NOT NULL THEN
    INSERT INTO deadlines (task_id, step_name, kind, at)
    SELECT task_id, step_name, kind, at
    FROM json_to_recordset(set_deadlines) AS w(task_id text, step_name text, kind text, at bigint)
    ON CONFLICT (task_id, step_name, kind) DO UPDATE SET at = excluded.at, claimed_by = NULL, claimed_until = NULL;
  END IF;
  -- A lane stays while a Step waits in it. Who adds one to it holds the lane, so that it is not removed meanwhile.
  IF removed_lanes IS NOT NULL THEN
    PERFORM FROM json_array_elements_text(removed_lanes) AS w(key) JOIN lanes AS t ON t.key = w.key
      ORDER BY t.key FOR UPDATE OF t;
    DELETE FROM lanes AS t USING json_array_elements_text(removed_lanes) AS w(key) WHERE t.key = w.key
      AND NOT EXISTS (SELECT FROM steps AS s WHERE s.lane = t.key);
  END IF;
  IF added_lanes IS NOT NULL THEN
    LOOP
      INSERT INTO lanes (key, namespace, agent_name, selector)
      SELECT key, namespace, agent_name, selector
      FROM json_to_recordset(added_lanes) AS w(key text, namespace text, agent_name text, selector text) ORDER BY key
      ON CONFLICT DO NOTHING;
      SELECT count(*) INTO n FROM (
        SELECT FROM json_to_recordset(added_lanes) AS w(key text) JOIN lanes AS t ON t.key = w.key
        ORDER BY t.key FOR KEY SHARE OF t) AS held;
      EXIT WHEN n >= json_array_length(added_lanes);
    END LOOP;
  END IF;
  IF forgotten_agents IS NOT NULL THEN
    DELETE FROM agents AS t USING json_to_recordset(forgotten_agents) AS w(namespace text, name text)
    WHERE t.namespace = w.namespace AND t.name = w.name;
  END IF;
  IF put_agents IS NOT NULL THEN
    INSERT INTO agents (namespace, name, data, written_at)
    SELECT namespace, name, data, now_ms()
    FROM json_to_recordset(put_agents) AS w(namespace text, name text, data text) ORDER BY namespace, name
    ON CONFLICT (namespace, name) DO UPDATE SET data = excluded.data, written_at = excluded.written_at;
  END IF;

  INSERT INTO commits (id, at, first_seqs) VALUES (commit_id, plane_time, answer);
  RETURN answer;
END $$;
`;
