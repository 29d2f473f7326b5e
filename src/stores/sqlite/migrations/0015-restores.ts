/** Adds the table of restorations from a backup; the last one began the present life of the store. */
export const restores = `
CREATE TABLE restores (
  -- Counts them, from 1.
  number INTEGER PRIMARY KEY,
  -- Drawn at random by each.
  id TEXT NOT NULL,
  -- The first instant of plane time after it.
  since INTEGER NOT NULL,
  -- The number of the last commit in the backup.
  commits INTEGER NOT NULL,
  sum INTEGER NOT NULL
) STRICT;
`;
