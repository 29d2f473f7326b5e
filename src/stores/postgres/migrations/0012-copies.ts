/**
 * Results that a commit stores for other Steps too, without a journey to the server and back. As `audited_1`, it does so only if
 * it was this transaction that has written the commit.
 */
export const copies = `
CREATE FUNCTION copied_1(answer text, commit_id text, copies json) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  PERFORM FROM commits WHERE id = commit_id AND xmin = pg_current_xact_id()::xid;
  IF NOT FOUND THEN RETURN answer; END IF;
  INSERT INTO texts (task_id, kind, step_name, json)
  SELECT w.to_task, 'outputs', w.to_step, t.json
  FROM json_to_recordset(copies) AS w(from_task text, from_step text, to_task text, to_step text)
  JOIN texts AS t ON t.task_id = w.from_task AND t.kind = 'outputs' AND t.step_name = w.from_step;
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n < json_array_length(copies) THEN
    -- Told as if a row were taken: the caller looks again, and finds that the Task is gone.
    RAISE EXCEPTION 'a result to copy is gone' USING ERRCODE = '23505';
  END IF;
  RETURN answer;
END $$;
`;
