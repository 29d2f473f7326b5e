/** Adds the table of what agents have used of models: sums by namespace, day, agent and model, which outlive Tasks. */
export const usageSums = `
CREATE TABLE usage_sums (
  namespace TEXT NOT NULL,
  -- Days since 1970, UTC.
  day INTEGER NOT NULL,
  agent_name TEXT NOT NULL,
  model TEXT NOT NULL,
  -- A JSON object.
  used TEXT NOT NULL,
  sum INTEGER NOT NULL,
  PRIMARY KEY (namespace, day, agent_name, model)
) STRICT;
`;
