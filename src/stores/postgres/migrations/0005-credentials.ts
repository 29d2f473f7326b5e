/**
 * API keys, for all servers of the store: what they may do, and hashes of their secrets. Whoever writes one locks the row of the
 * store first, so that writers come one after the other, and counts up the version that tells the others to read again.
 */
export const credentials = `
ALTER TABLE plane ADD COLUMN keys_version bigint NOT NULL DEFAULT 0;
-- Known to all servers, and to nobody else.
ALTER TABLE plane ADD COLUMN secret text;

CREATE TABLE api_keys (
  id text COLLATE "C" PRIMARY KEY,
  revision integer NOT NULL,
  -- The row as JSON, without its last use.
  data text NOT NULL,
  -- From when on it is refused.
  ends_at bigint NOT NULL,
  last_used_at bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX api_keys_ended ON api_keys (ends_at);

-- All or none. What is there already, because an answer was lost, counts as written.
CREATE FUNCTION put_api_keys_1(put json) RETURNS boolean LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  n int;
BEGIN
  PERFORM FROM plane FOR NO KEY UPDATE;
  SELECT count(*) INTO n FROM json_to_recordset(put) AS w(id text, revision int, data text)
    LEFT JOIN api_keys AS k ON k.id = w.id
    WHERE coalesce(k.revision, 0) = w.revision - 1 OR (k.revision = w.revision AND k.data = w.data);
  IF n < json_array_length(put) THEN RETURN false; END IF;
  UPDATE plane SET keys_version = keys_version + 1;
  INSERT INTO api_keys AS k (id, revision, data, ends_at, last_used_at)
    SELECT id, revision, data, ends_at, last_used_at FROM json_to_recordset(put)
      AS w(id text, revision int, data text, ends_at bigint, last_used_at bigint)
    ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, data = excluded.data, ends_at = excluded.ends_at,
      last_used_at = greatest(k.last_used_at, excluded.last_used_at);
  RETURN true;
END $$;

CREATE FUNCTION remove_api_keys_1(before bigint, most int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  PERFORM FROM plane FOR NO KEY UPDATE;
  DELETE FROM api_keys WHERE id IN (
    SELECT id FROM api_keys WHERE ends_at < before ORDER BY ends_at LIMIT most);
  GET DIAGNOSTICS n = ROW_COUNT;
  IF n > 0 THEN UPDATE plane SET keys_version = keys_version + 1; END IF;
  RETURN n;
END $$;
`;
