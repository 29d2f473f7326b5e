/**
 * What the numbers mean that the arrays of the columns `rest` begin with, see `layouts.ts`. Arrays that were written
 * before stay as they are: they begin with no such number.
 */
export const layouts = `
CREATE TABLE layouts (
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL,
  -- A JSON array.
  names TEXT NOT NULL,
  sum INTEGER NOT NULL
) STRICT;
`;
