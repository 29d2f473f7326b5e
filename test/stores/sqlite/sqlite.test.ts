import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { preferredDriver } from "#stores/sqlite/driver";
import { type SqliteOptions, sqliteStore } from "#stores/sqlite/index";
import { storeSuite } from "#testing/store-suite/index";
import type { StoreFixture } from "#testing/store-suite/kit";

const root = await mkdtemp(join(tmpdir(), "taskrun-store-"));
afterAll(() => rm(root, { recursive: true }));
let files = 0;

async function open(options: Omit<SqliteOptions, "path">): Promise<StoreFixture> {
  const store = () => sqliteStore({ path, reserveBytes: 0, ...options });
  const path = join(root, `${++files}.db`);
  let current = store();
  return {
    store: current,
    async reopen() {
      await current.close();
      current = store();
      return current;
    },
  };
}

const kit = { describe, test, expect, fc };
// What is on the disk is looked at alone as well: memory must not hide it.
for (const driver of new Set(["libsql", preferredDriver()] as const)) {
  storeSuite(
    `sqlite by ${driver}, on this thread`,
    () => open({ threads: false, driver, remember: false }),
    kit,
  );
}
storeSuite("sqlite that remembers, on this thread", () => open({ threads: false }), kit);
storeSuite("sqlite, on threads of its own", () => open({ threads: true, remember: false }), kit);
storeSuite("sqlite, as it comes", () => open({}), kit);
