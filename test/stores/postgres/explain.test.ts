import { afterAll, test } from "vitest";
import { expectExplained, situationOver } from "../../runtime/kit/explained.js";
import { soleStore } from "./fixtures.js";
import { noPostgres, PostgresServer } from "./server.js";

// Absent, it is shown as a skipped test of this name.
test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

if (!noPostgres) {
  const server = await PostgresServer.start();
  afterAll(() => server.remove());

  test("why a Step does not run is told over PostgreSQL as over memory: 200 situations", async () => {
    await expectExplained(200, async (seed) => {
      const { store } = await soleStore(server, {});
      return situationOver(store, seed, () => store.close());
    });
  }, 600_000);
}
