/** Adds the table of what people have done to Steps by hand: a row for a Step to which something was done. */
export const stepActions = `
CREATE TABLE step_actions (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  -- Empty for what was done to the whole Task.
  step_name TEXT NOT NULL,
  json TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (task_id, step_name)
) STRICT;
`;
