/** Adds the table of what operators have paused. A row for each scope; read whole, at boot. */
export const pauses = `
CREATE TABLE pauses (
  key TEXT NOT NULL PRIMARY KEY,
  -- When it ends by itself; 0 if it does not.
  until INTEGER NOT NULL,
  -- A JSON object.
  json TEXT NOT NULL,
  sum INTEGER NOT NULL
) STRICT;
`;
