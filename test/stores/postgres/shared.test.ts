import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { sharedStoreSuite } from "#testing/store-suite/nodes/index";
import { storeOfMany } from "./fixtures.js";
import { noPostgres, PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());
  sharedStoreSuite("postgres, of several servers", () => storeOfMany(server), { describe, test, expect, fc });
}
