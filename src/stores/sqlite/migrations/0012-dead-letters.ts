/** Adds the table of Tasks that need a person. Most Tasks have no row in it. */
export const deadLetters = `
CREATE TABLE dead_letters (
  task_id TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  namespace TEXT NOT NULL,
  revision INTEGER NOT NULL,
  reason TEXT NOT NULL,
  status TEXT NOT NULL,
  rank INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL,
  rest TEXT NOT NULL,
  fixed_sum INTEGER NOT NULL,
  sum INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_newest ON dead_letters (created_at, task_id);
CREATE INDEX dead_letters_pending ON dead_letters (rank, task_id) WHERE status = 'PENDING';
`;
