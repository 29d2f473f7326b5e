/**
 * The audit log: each entry has the hash of the one before it in its chain. Whoever appends to a chain holds a lock of it
 * until its transaction ends, so that the entries of a chain have one order.
 */
export const audit = `
CREATE TABLE audit (
  chain text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  prev text NOT NULL,
  hash text NOT NULL,
  -- What was done, in its canonical form: a JSON array.
  record text NOT NULL,
  PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_latest ON audit (at, chain, seq);

-- For whoever says hello under an id: the key ends with it.
CREATE INDEX workers_named ON workers (reverse(key) COLLATE "C");

-- Appends records, of which each is an object of its instant and its text. For every transaction that has one of its own
-- to tell of.
CREATE FUNCTION append_audit_1(appending text, records json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  last_seq bigint;
  last_hash text;
  item json;
  next_hash text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(appending, 2));
  SELECT seq, hash INTO last_seq, last_hash FROM audit WHERE chain = appending ORDER BY seq DESC LIMIT 1;
  IF NOT FOUND THEN
    last_seq := 0;
    last_hash := repeat('0', 64);
  END IF;
  FOR item IN SELECT value FROM json_array_elements(records) WITH ORDINALITY ORDER BY ordinality LOOP
    last_seq := last_seq + 1;
    next_hash := encode(sha256(convert_to(
      last_hash || E'\\n' || appending || E'\\n' || last_seq || E'\\n' || (item ->> 'text'), 'UTF8')), 'hex');
    INSERT INTO audit (chain, seq, at, prev, hash, record)
    VALUES (appending, last_seq, (item ->> 'at')::bigint, last_hash, next_hash, item ->> 'text');
    last_hash := next_hash;
  END LOOP;
END $$;

-- What a commit has answered; and appends records if it was this transaction that has written it. One that was refused, or
-- that an earlier call has written, appends nothing.
CREATE FUNCTION audited_1(answer text, commit_id text, appending text, records json) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM commits WHERE id = commit_id AND xmin = pg_current_xact_id()::xid;
  IF FOUND THEN PERFORM append_audit_1(appending, records); END IF;
  RETURN answer;
END $$;

-- API keys, and what there is to say of it. What is there already, because an answer was lost, was told of then.
CREATE FUNCTION put_audited_api_keys_1(put json, appending text, records json) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM plane FOR NO KEY UPDATE;
  PERFORM FROM json_to_recordset(put) AS w(id text, revision int, data text)
    LEFT JOIN api_keys AS k ON k.id = w.id AND k.revision = w.revision AND k.data = w.data
    WHERE k.id IS NULL;
  IF NOT FOUND THEN RETURN true; END IF;
  IF NOT put_api_keys_1(put) THEN RETURN false; END IF;
  PERFORM append_audit_1(appending, records);
  RETURN true;
END $$;

-- Rows of enrolment, likewise.
CREATE FUNCTION put_audited_enrolment_1(given json, appending text, records json) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(appending, 2));
  PERFORM FROM json_to_recordset(given) AS w(kind text, id text, revision int, data text)
    LEFT JOIN enrolment AS e ON e.kind = w.kind AND e.id = w.id AND e.revision = w.revision AND e.data = w.data
    WHERE e.id IS NULL;
  IF NOT FOUND THEN RETURN true; END IF;
  IF NOT put_enrolment_1(given) THEN RETURN false; END IF;
  PERFORM append_audit_1(appending, records);
  RETURN true;
END $$;

-- Records that belong to no other transaction, once for each id.
CREATE FUNCTION record_audit_1(append_id text, appending text, records json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(append_id, 0));
  PERFORM FROM commits WHERE id = append_id;
  IF FOUND THEN RETURN; END IF;
  PERFORM append_audit_1(appending, records);
  INSERT INTO commits (id, at) SELECT append_id, coalesce(max(at), 0) FROM commits;
END $$;
`;
