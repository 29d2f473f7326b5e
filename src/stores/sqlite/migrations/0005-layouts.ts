/**
 * Adds the table of layouts: for the number at the beginning of an array in a column `rest`, the names of its fields,
 * see `layouts.ts`. Arrays written by earlier releases are not changed: they do not begin with such a number.
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
