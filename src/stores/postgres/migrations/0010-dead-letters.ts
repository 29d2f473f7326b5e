import { policy } from "./0009-namespaces.js";

/**
 * Tasks that need a person. Most have no row here, so that this table, unlike the others, has a foreign key: it is looked up
 * where a Task fails or is removed, and servers of the release before remove what they do not know of.
 */
export const deadLetters = `
CREATE TABLE dead_letters (
  task_id text COLLATE "C" PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  namespace text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  reason text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  -- Its place among those that are pending, lower first.
  rank bigint NOT NULL,
  created_at bigint NOT NULL,
  -- 0 while it is pending.
  closed_at bigint NOT NULL,
  -- The row as JSON.
  data text NOT NULL
);
CREATE INDEX dead_letters_newest ON dead_letters (created_at, task_id);
CREATE INDEX dead_letters_pending ON dead_letters (rank, task_id) WHERE status = 'PENDING';
${policy("dead_letters")}

-- What a commit writes of dead letters beside all else, and on which ones it rests. Called around commit_2, and by commits that
-- have to do with one only: their rows are locked first.
CREATE FUNCTION expect_dead_letters_1(commit_id text, expected json) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  -- An earlier call with this id whose answer was lost has ended once this lock is ours; then commit_2 answers.
  PERFORM pg_advisory_xact_lock(hashtextextended(commit_id, 0));
  PERFORM FROM commits WHERE id = commit_id;
  IF FOUND OR expected IS NULL THEN RETURN NULL; END IF;
  SELECT count(*) INTO n FROM (
    SELECT FROM json_to_recordset(expected) AS w(task_id text, revision int)
    JOIN dead_letters AS t ON t.task_id = w.task_id AND t.revision = w.revision
    ORDER BY t.task_id FOR NO KEY UPDATE OF t) AS locked;
  IF n < json_array_length(expected) THEN RETURN 'moved'; END IF;
  RETURN NULL;
END $$;

-- Nothing is written if the commit was refused, or if an earlier call has written it.
CREATE FUNCTION put_dead_letters_1(answer text, commit_id text, changed json, made json) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM commits WHERE id = commit_id AND xmin = pg_current_xact_id()::xid;
  IF NOT FOUND THEN RETURN answer; END IF;
  IF changed IS NOT NULL THEN
    UPDATE dead_letters AS t SET revision = w.revision, reason = w.reason, status = w.status, rank = w.rank,
      created_at = w.created_at, closed_at = w.closed_at, data = w.data
    FROM json_to_recordset(changed) AS w(task_id text, revision int, reason text, status text, rank bigint,
      created_at bigint, closed_at bigint, data text)
    WHERE t.task_id = w.task_id;
  END IF;
  IF made IS NOT NULL THEN
    INSERT INTO dead_letters (task_id, namespace, revision, reason, status, rank, created_at, closed_at, data)
    SELECT task_id, namespace, revision, reason, status, rank, created_at, closed_at, data
    FROM json_to_recordset(made) AS w(task_id text, namespace text, revision int, reason text, status text, rank bigint,
      created_at bigint, closed_at bigint, data text);
  END IF;
  RETURN answer;
END $$;
`;
