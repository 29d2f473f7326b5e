import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { truncateSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { verify } from "#stores/sqlite/damage/verify";
import { sqliteStore } from "#stores/sqlite/index";
import { taskId, template } from "#testing/rows";

const root = await mkdtemp(join(tmpdir(), "taskrun-store-"));
afterAll(() => rm(root, { recursive: true }));
const committer = fileURLToPath(new URL("../fixtures/committer.mjs", import.meta.url));
const newest = { namespace: "default", name: "etl", version: "" };
const SLOW_MS = 60_000;

/** Starts a process that commits to the file, and reads what it says. */
function start(path: string, from = 1): { child: ChildProcess; says: AsyncIterator<string> } {
  const child = spawn(process.execPath, [committer, path, String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { child, says: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

test(
  "a file that a server has open is refused to another one, by name, until the first is gone however it went",
  async () => {
    const path = join(root, "locked.db");
    const first = start(path);
    expect((await first.says.next()).value).toBe("open");

    const second = start(path);
    expect((await second.says.next()).value).toBe(
      `STORE_LOCKED another server has ${path} open; end that one, or choose another data directory`,
    );
    expect(await once(second.child, "exit")).toEqual([1, null]);

    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const third = sqliteStore({ path });
    await third.boot();
    await third.close();
  },
  SLOW_MS,
);

test(
  "what was acknowledged before a SIGKILL is there after it, and every commit is there whole or not at all",
  async () => {
    const path = join(root, "killed.db");
    let acknowledged = 0;
    for (const target of [3, 40, 41, 90, 160]) {
      const { child, says } = start(path, acknowledged + 1);
      await says.next();
      while (acknowledged < target) acknowledged = Number((await says.next()).value);
      child.kill("SIGKILL");
      for (let line = await says.next(); !line.done; line = await says.next())
        acknowledged = Number(line.value);

      const store = sqliteStore({ path });
      const { at } = await store.boot();
      expect(at === acknowledged || at === acknowledged + 1).toBe(true);
      for (let number = 1; number <= at; number++) {
        const id = taskId(number);
        const shown = await store.reads.task(id);
        expect([shown?.task.id, shown?.steps.length, shown?.input.length]).toEqual([id, 3, 2_002]);
        expect(await store.reads.template(template("etl", `1.0.${number}`))).toMatchObject({ source: "" });
        expect((await store.reads.log(id, 0, 1_000)).entries).toMatchObject([{ content: id }]);
      }
      expect(await store.reads.task(taskId(at + 1))).toBe(undefined);
      expect((await store.reads.template(newest))?.version).toBe(`1.0.${at}`);
      expect((await store.ready("lane", 1_000)).length).toBe(at * 3);
      await store.close();
      acknowledged = at;
    }
  },
  SLOW_MS,
);

test(
  "after the shared memory was cut under a running server, whose process that ends, the next start is sound",
  async () => {
    const path = join(root, "cut.db");
    const { child, says } = start(path);
    await says.next();
    let acknowledged = 0;
    while (acknowledged < 20) acknowledged = Number((await says.next()).value);
    const gone = once(child, "exit");
    truncateSync(`${path}-shm`, 0);
    for (let line = await says.next(); !line.done; line = await says.next())
      acknowledged = Number(line.value) || acknowledged;
    const [code, signal] = await gone;
    expect(code !== 0 || signal !== null).toBe(true);

    const found = [];
    for await (const { table, what } of verify({ path })) if (table === "file") found.push(what);
    // Its Steps wait in a lane that it has never added.
    expect(found).toEqual(["lane lane is missing, but Steps wait in it"]);
    const store = sqliteStore({ path });
    const { at } = await store.boot();
    expect(at === acknowledged || at === acknowledged + 1).toBe(true);
    await store.close();
  },
  SLOW_MS,
);
