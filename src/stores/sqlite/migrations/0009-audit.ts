/** Adds the audit log. Each entry has the hash of the one before it in its chain. */
export const audit = `
CREATE TABLE audit (
  chain TEXT NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  -- What was done, in its canonical form: a JSON array.
  record TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (chain, seq)
) STRICT;
CREATE INDEX audit_latest ON audit (at, chain, seq);
`;
