/**
 * Adds a column for a checksum to every table, and the head of the commits to the row about the file. The checksums
 * are computed after all migrations have been applied, see `seal.ts`.
 */
export const checksums = `
ALTER TABLE tasks ADD COLUMN fixed_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN fixed_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN fixed_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inputs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outputs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE step_inputs ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deadlines ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lanes ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE templates ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

-- What is due is read from the index alone, so that the sum has to be in it.
DROP INDEX deadlines_due;
CREATE INDEX deadlines_due ON deadlines (at, task_id, step_name, kind, sum);

DROP TRIGGER templates_fixed;
CREATE TRIGGER templates_fixed
  BEFORE UPDATE OF namespace, name, version, version_key, digest, body, source, registered_at ON templates
BEGIN
  SELECT RAISE(ABORT, 'a registered template never changes');
END;

-- The name of this file for life, drawn at random; the number of the last commit; a digest over all of them.
ALTER TABLE plane ADD COLUMN store TEXT NOT NULL DEFAULT '';
ALTER TABLE plane ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plane ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
ALTER TABLE plane ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;
`;
