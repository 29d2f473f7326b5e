/**
 * The namespaces that a session reads for: a setting of its own, empty or absent for the server itself, which sees everything. Within a SELECT, so
 * that it is asked once for a statement, and not for each row.
 */
const SETTING = "(SELECT current_setting('taskrun.namespaces', true))";

/** The policy of a table with a column `namespace`. */
export function policy(table: string): string {
  const mayUse = `coalesce(${SETTING}, '') = '' OR namespace = ANY (${SETTING}::text[])`;
  return `
ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY namespaces ON ${table} USING (${mayUse}) WITH CHECK (true);`;
}

/**
 * What Runs have written, by day, server process and namespace. And row-level security: a session that reads for a caller says which
 * namespaces that may use, and then gets no row of another one, whatever it asks for. The tables' owner is held to it too; a superuser, or a
 * user with BYPASSRLS, is not.
 *
 * Tables without a namespace have no policy of their own, which would have to look for the Task of each row, also when turns are written:
 * what callers read of them is joined with its Task, in `read/reads.ts`.
 */
export const namespaces = `
CREATE TABLE output_days (
  -- Days since 1970, UTC.
  day integer NOT NULL,
  writer text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  PRIMARY KEY (day, writer, namespace)
);
${policy("tasks")}
${policy("templates")}
`;
