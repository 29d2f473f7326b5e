import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { type PostgresOptions, postgresStore } from "#stores/postgres/index";
import { storeSuite } from "#testing/store-suite/index";
import type { StoreFixture } from "#testing/store-suite/kit";
import { noPostgres, PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());
  // The tests of a file run one after the other.
  const open = async (options: Omit<PostgresOptions, "url">): Promise<StoreFixture> => {
    await server.empty("suite");
    const url = server.url("suite");
    const store = () => postgresStore({ url, ...options });
    let current = store();
    return {
      store: current,
      async reopen() {
        await current.close();
        current = store();
        return current;
      },
    };
  };

  // Each look at everything is some forty statements.
  const kit = { describe, test, expect, fc, sequences: Number(process.env.STORE_SEQUENCES ?? 3) };
  storeSuite("postgres, alone, as it comes", () => open({}), kit);
  storeSuite("postgres, shared with other processes", () => open({ shared: true }), kit);
}
