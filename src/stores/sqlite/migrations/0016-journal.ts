/** Adds the table of what agents have journaled: a row for each record, and for each signal that came before it was waited for. */
export const journal = `
CREATE TABLE journal (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  -- The Step, "/", and the number of the record among its own in eight digits. A signal is of no Step.
  step_name TEXT NOT NULL,
  json TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (task_id, step_name)
) STRICT;
`;
