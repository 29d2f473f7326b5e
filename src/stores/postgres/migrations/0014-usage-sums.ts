import { policy } from "./0009-namespaces.js";

/** What agents have used of models: sums by namespace, day, agent and model, which outlive Tasks. */
export const usageSums = `
CREATE TABLE usage_sums (
  namespace text COLLATE "C" NOT NULL,
  -- Days since 1970, UTC.
  day integer NOT NULL,
  agent_name text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cached_tokens bigint NOT NULL,
  tool_calls bigint NOT NULL,
  usd_micros bigint NOT NULL,
  unpriced_tokens bigint NOT NULL,
  reports bigint NOT NULL,
  PRIMARY KEY (namespace, day, agent_name, model)
);
${policy("usage_sums")}

-- What a commit has answered; and adds to the sums if it was this transaction that has written it. A sum that would be one of more than
-- most of its namespace and day is counted as that of other agents and models; what is older than days is removed with the first of a
-- day. Numbers stay below what every reader counts exactly.
CREATE FUNCTION used_1(answer text, commit_id text, used json, most int, days int, other text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  u record;
  n int;
  agent text;
  named text;
  locked text;
  ceiling CONSTANT bigint := 9007199254740991;
BEGIN
  PERFORM FROM commits WHERE id = commit_id AND xmin = pg_current_xact_id()::xid;
  IF NOT FOUND THEN RETURN answer; END IF;
  -- Two that add to the sums of a namespace do it one after the other, so that sums are counted rightly; namespaces come in their order,
  -- so that none waits for one that waits for it.
  FOR u IN SELECT * FROM json_to_recordset(used) AS w(namespace text, day int, agent_name text, model text, input_tokens bigint,
      output_tokens bigint, cached_tokens bigint, tool_calls bigint, usd_micros bigint, unpriced_tokens bigint, reports bigint)
      ORDER BY w.namespace COLLATE "C", w.day, w.agent_name COLLATE "C", w.model COLLATE "C" LOOP
    agent := u.agent_name;
    named := u.model;
    IF u.namespace IS DISTINCT FROM locked THEN
      PERFORM pg_advisory_xact_lock(hashtextextended(current_schema || ' usage ' || u.namespace, 4));
      locked := u.namespace;
    END IF;
    PERFORM FROM usage_sums AS s
      WHERE s.namespace = u.namespace AND s.day = u.day AND s.agent_name = agent AND s.model = named;
    IF NOT FOUND THEN
      SELECT count(*) INTO n FROM usage_sums AS s WHERE s.namespace = u.namespace AND s.day = u.day;
      IF n = 0 THEN DELETE FROM usage_sums AS s WHERE s.namespace = u.namespace AND s.day <= u.day - days; END IF;
      IF n >= most THEN
        agent := other;
        named := other;
      END IF;
    END IF;
    INSERT INTO usage_sums AS s (namespace, day, agent_name, model, input_tokens, output_tokens, cached_tokens, tool_calls,
      usd_micros, unpriced_tokens, reports)
    VALUES (u.namespace, u.day, agent, named, u.input_tokens, u.output_tokens, u.cached_tokens, u.tool_calls,
      u.usd_micros, u.unpriced_tokens, u.reports)
    ON CONFLICT (namespace, day, agent_name, model) DO UPDATE SET
      input_tokens = least(s.input_tokens + excluded.input_tokens, ceiling),
      output_tokens = least(s.output_tokens + excluded.output_tokens, ceiling),
      cached_tokens = least(s.cached_tokens + excluded.cached_tokens, ceiling),
      tool_calls = least(s.tool_calls + excluded.tool_calls, ceiling),
      usd_micros = least(s.usd_micros + excluded.usd_micros, ceiling),
      unpriced_tokens = least(s.unpriced_tokens + excluded.unpriced_tokens, ceiling),
      reports = least(s.reports + excluded.reports, ceiling);
  END LOOP;
  RETURN answer;
END $$;
`;
