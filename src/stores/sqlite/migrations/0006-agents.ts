/** Adds the table of agents that workers have announced, by namespace and name. */
export const agents = `
CREATE TABLE agents (
  -- Empty for agents of workers that serve all namespaces.
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  description TEXT NOT NULL,
  -- A JSON object.
  announced TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT;
`;
