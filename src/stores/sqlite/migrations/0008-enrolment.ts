/** Adds the table of invitations, enrolled workers and their keys. */
export const enrolment = `
CREATE TABLE enrolment (
  -- token, worker or key.
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  -- Of a worker: when the last certificate ends that was revoked; else 0.
  denied_until INTEGER NOT NULL,
  -- A JSON object.
  json TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX enrolment_ended ON enrolment (ends_at);
CREATE INDEX enrolment_denied ON enrolment (denied_until) WHERE denied_until > 0;
`;
