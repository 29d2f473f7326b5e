/** Adds the table of API keys: what they may do, and hashes of their secrets. */
export const apiKeys = `
CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  -- A JSON object.
  json TEXT NOT NULL,
  sum INTEGER NOT NULL
) STRICT;
`;
