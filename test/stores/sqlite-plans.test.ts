import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { preferredDriver } from "#stores/sqlite/driver";
import { migrate, openFile } from "#stores/sqlite/file";
import { listStatements } from "#stores/sqlite/reader";
import { boots, loads, reads, writes } from "#stores/sqlite/statements";

const root = mkdtempSync(join(tmpdir(), "taskrun-plans-"));
const path = join(root, "plans.db");
const db = openFile({ path, driver: preferredDriver(), maxBytes: 0, reserveBytes: 0 });
migrate(db, path);
afterAll(() => {
  db.close();
  rmSync(root, { recursive: true });
});

/** How SQLite would run a statement, less how it reads the list of what is wanted. */
function plan(sql: string): string {
  const steps = db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all(Array((sql.match(/\?(?!\d)/g) ?? []).length).fill(null));
  return steps
    .map((step) => String(step[3]))
    .filter(
      (step) =>
        !/^(SCAN (wanted|json_each|label) VIRTUAL TABLE|(LIST|CORRELATED|COMPOUND) |LEFT-MOST)/.test(step),
    )
    .join("; ");
}

const list = (part: { readonly namespaces: string[] | null; readonly before: string | null }) =>
  listStatements({
    states: ["error"],
    agentName: "a",
    labels: [["k", "v"]],
    pageSize: 1,
    scannedRows: 1,
    ...part,
  });

test("every statement finds its rows by an index, and none sorts more than one Task's Steps", () => {
  const plans = Object.entries({ ...loads, ...boots, ...writes, ...reads }).map(([name, sql]) => [
    name,
    plan(sql),
  ]);

  expect(Object.fromEntries(plans)).toMatchInlineSnapshot();
});

test("a list walks the ids downward, within the namespace if there is one", () => {
  const lists = {
    all: list({ namespaces: null, before: null }),
    several: list({ namespaces: ["a", "b"], before: "x" }),
    one: list({ namespaces: ["a"], before: "x" }),
  };
  const plans = Object.entries(lists).map(([name, { page, last }]) => [
    name,
    [plan(page.sql), plan(last.sql)],
  ]);

  expect(Object.fromEntries(plans)).toMatchInlineSnapshot();
});
