/** Invitations, enrolled workers and their keys, and how several of these rows are written at once. */
export const enrolment = `
CREATE TABLE enrolment (
  -- token, worker or key.
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  ends_at bigint NOT NULL,
  -- Of a worker: when the last certificate ends that was revoked; else 0.
  denied_until bigint NOT NULL,
  -- The row as JSON.
  data text NOT NULL,
  PRIMARY KEY (kind, id)
);
CREATE INDEX enrolment_ended ON enrolment (ends_at);
CREATE INDEX enrolment_denied ON enrolment (denied_until) WHERE denied_until > 0;

-- All rows or none; false if one has moved. The same rows once more change nothing, so that the call may be repeated.
CREATE FUNCTION put_enrolment_1(given json) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  r record;
  n int;
BEGIN
  FOR r IN SELECT * FROM json_to_recordset(given) AS w(kind text, id text, revision int, ends_at bigint,
    denied_until bigint, data text) ORDER BY w.kind, w.id
  LOOP
    IF r.revision = 1 THEN
      INSERT INTO enrolment (kind, id, revision, ends_at, denied_until, data)
      VALUES (r.kind, r.id, 1, r.ends_at, r.denied_until, r.data) ON CONFLICT DO NOTHING;
    ELSE
      UPDATE enrolment AS e SET revision = r.revision, ends_at = r.ends_at, denied_until = r.denied_until, data = r.data
      WHERE e.kind = r.kind AND e.id = r.id AND e.revision = r.revision - 1;
    END IF;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n = 0 THEN
      PERFORM FROM enrolment AS e
      WHERE e.kind = r.kind AND e.id = r.id AND e.revision = r.revision AND e.data = r.data;
      IF NOT FOUND THEN RAISE EXCEPTION 'moved' USING ERRCODE = 'TR010'; END IF;
    END IF;
  END LOOP;
  RETURN true;
EXCEPTION WHEN SQLSTATE 'TR010' THEN
  RETURN false;
END $$;
`;
