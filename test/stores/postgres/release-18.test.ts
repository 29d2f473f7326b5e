import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { storeSuite } from "#testing/store-suite/index";
import { sharedStoreSuite } from "#testing/store-suite/nodes/index";
import { embeddedPrograms, noEmbedded } from "./embedded.js";
import { soleStore, storeOfMany } from "./fixtures.js";
import { PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noEmbedded === undefined)(noEmbedded ?? "PostgreSQL 18 is here", () => {});

/** The newest release, once: it plans and locks as the oldest one does, or the suites show where not. */
if (!noEmbedded) {
  const programs = await embeddedPrograms();
  const server = await PostgresServer.start(["fsync=off"], programs.folder);
  afterAll(async () => {
    await server.remove();
    await programs.remove();
  });
  const kit = { describe, test, expect, fc, sequences: 1 };
  test("it is release 18", async () => {
    const [row] = await server.query("SHOW server_version_num");
    expect(Number(row?.server_version_num)).toBeGreaterThanOrEqual(180_000);
  });
  storeSuite("postgres 18", () => soleStore(server, {}), kit);
  sharedStoreSuite("postgres 18, of several servers", () => storeOfMany(server), kit);
}
