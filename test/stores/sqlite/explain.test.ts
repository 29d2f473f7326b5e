import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, test } from "vitest";
import { sqliteStore } from "#stores/sqlite/index";
import { expectExplained, situationOver } from "../../runtime/kit/explained.js";

const root = await mkdtemp(join(tmpdir(), "taskrun-explain-"));
afterAll(() => rm(root, { recursive: true }));

test("why a Step does not run is told over SQLite as over memory: 200 situations", async () => {
  await expectExplained(200, async (seed) => {
    const store = sqliteStore({ path: join(root, `${seed}.db`), reserveBytes: 0, threads: false });
    return situationOver(store, seed, () => store.close());
  });
}, 300_000);
