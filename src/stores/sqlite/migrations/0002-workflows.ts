/**
 * Adds templates, and Tasks of many Steps.
 *
 * A Task of the first release becomes a Task that names an agent, with one standard Step that has its own number of
 * attempts. Existing log lines about Steps get the fields that later lines have.
 */
export const workflows = `
ALTER TABLE tasks ADD COLUMN tolerated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN isolated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN opened TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tasks ADD COLUMN holds_key INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tasks ADD COLUMN compensated_by TEXT NOT NULL DEFAULT '';
UPDATE tasks SET spec = json_set(spec, '$.template', NULL, '$.environment', '', '$.keyFor', 0, '$.parent', NULL,
  '$.depth', 0, '$.compensates', '', '$.undoes', json('false'));

-- A key can be taken anew once its time is over, while the Task that had it is still kept.
DROP INDEX tasks_by_key;
CREATE UNIQUE INDEX tasks_by_key ON tasks (namespace, idempotency_key)
  WHERE holds_key = 1 AND idempotency_key <> '';

ALTER TABLE steps ADD COLUMN spec TEXT NOT NULL DEFAULT '{"type":"standard","planned":"main","config":null,\
"retry":{"backoff":"exponential","base":1000,"max":60000,"jitter":1},"maxAttempts":1,"timeoutMs":0}';
ALTER TABLE steps ADD COLUMN dependants TEXT NOT NULL DEFAULT '[]';
ALTER TABLE steps ADD COLUMN members TEXT NOT NULL DEFAULT '[]';
ALTER TABLE steps ADD COLUMN has_input INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN signalled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN child_id TEXT NOT NULL DEFAULT '';
ALTER TABLE steps ADD COLUMN started_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN finished_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN finished_order INTEGER NOT NULL DEFAULT 0;
UPDATE steps SET spec = json_set(spec, '$.planned', name, '$.maxAttempts', max_attempts)
  WHERE max_attempts <> 1 OR name <> 'main';

UPDATE log SET entries = (
    SELECT json_group_array(json(iif(value ->> '$.type' <> 'step', value,
      json_set(value, '$.step.type', 'standard', '$.step.startedAt', 0, '$.step.finishedAt', 0, '$.step.childId', ''))))
    FROM json_each(log.entries))
  WHERE instr(entries, '"type":"step"') > 0;

CREATE TABLE step_inputs (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  step_name TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (task_id, step_name)
) STRICT;

CREATE TABLE templates (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  -- The version as a text that sorts by precedence, see domain/version.ts.
  version_key TEXT NOT NULL,
  digest TEXT NOT NULL,
  body TEXT NOT NULL,
  source TEXT NOT NULL,
  registered_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, name, version)
) STRICT;
CREATE INDEX templates_listed ON templates (namespace, name, version_key DESC);
CREATE INDEX templates_named ON templates (name, namespace);

CREATE TRIGGER templates_fixed BEFORE UPDATE ON templates
BEGIN
  SELECT RAISE(ABORT, 'a registered template never changes');
END;
`;
