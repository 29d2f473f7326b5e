/** What operators have paused. A row for each scope; read whole, at boot and by each poll of a node. */
export const pauses = `
CREATE TABLE pauses (
  key text COLLATE "C" PRIMARY KEY,
  -- When it ends by itself; 0 if it does not.
  until bigint NOT NULL,
  data text NOT NULL
);

-- What a commit has answered; and changes pauses if it was this transaction that has written it, one after the other. Of a change
-- without data the pause is removed, if it is there and ends then.
CREATE FUNCTION paused_1(answer text, commit_id text, changes json) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  change json;
BEGIN
  PERFORM FROM commits WHERE id = commit_id AND xmin = pg_current_xact_id()::xid;
  IF NOT FOUND THEN RETURN answer; END IF;
  -- Two that change several pauses do it one after the other, in whichever order they name them.
  PERFORM pg_advisory_xact_lock(hashtextextended(current_schema || ' pauses', 3));
  FOR change IN SELECT value FROM json_array_elements(changes) WITH ORDINALITY ORDER BY ordinality LOOP
    IF change ->> 'data' IS NULL THEN
      DELETE FROM pauses AS p WHERE p.key = change ->> 'key'
        AND p.until = coalesce((change ->> 'until')::bigint, p.until);
    ELSE
      INSERT INTO pauses (key, until, data)
      VALUES (change ->> 'key', (change ->> 'until')::bigint, change ->> 'data')
      ON CONFLICT (key) DO UPDATE SET until = excluded.until, data = excluded.data;
    END IF;
  END LOOP;
  RETURN answer;
END $$;
`;
