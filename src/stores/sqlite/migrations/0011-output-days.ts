/** Adds the table of what Runs have written, by day, server process and namespace. */
export const outputDays = `
CREATE TABLE output_days (
  -- Days since 1970, UTC.
  day INTEGER NOT NULL,
  writer TEXT NOT NULL,
  namespace TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (day, writer, namespace)
) STRICT;
`;
