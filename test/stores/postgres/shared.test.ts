import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { postgresStore } from "#stores/postgres/index";
import { sharedStoreSuite } from "#testing/store-suite/nodes/index";
import { noPostgres, PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());
  const open = async () => {
    await server.empty("suite");
    return {
      open: async () => postgresStore({ url: server.url("suite"), shared: true }),
      // Time passes by moving all instants into the past that the store compares with its clock.
      async pass(ms: number) {
        for (const [table, column] of [
          ["nodes", "lease_until"],
          ["nodes", "gone_at"],
          ["workers", "written_at"],
          ["steps", "claimed_until"],
          ["deadlines", "claimed_until"],
        ] as const) {
          await server.query(`UPDATE suite.${table} SET ${column} = ${column} - $1`, [ms]);
        }
      },
    };
  };
  sharedStoreSuite("postgres", open, { describe, test, expect, fc });
}
