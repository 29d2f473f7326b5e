import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { storeSuite } from "#testing/store-suite/index";
import { soleStore } from "./fixtures.js";
import { noPostgres, PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());
  // Each look at everything is some forty statements.
  const kit = { describe, test, expect, fc, sequences: Number(process.env.STORE_SEQUENCES ?? 3) };
  storeSuite("postgres, alone, as it comes", () => soleStore(server, {}), kit);
  storeSuite("postgres, shared with other processes", () => soleStore(server, { shared: true }), kit);
}
