/** The commands about the data itself: what they print, refuse and end with. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, lane, line, run, runId, step, task, taskId } from "#testing/rows";
import { taskrun } from "./fake-io.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-store-cli-"));
afterAll(() => rmSync(root, { recursive: true }));
const data = join(root, "data");
const file = join(root, "one.backup");
const stored = () => sqliteStore({ path: join(data, "taskrun.db"), threads: false, reserveBytes: 0 });

beforeAll(async () => {
  const store = stored();
  await store.boot();
  const id = taskId(1);
  await store.commit(
    commit({
      tasks: [task(id)],
      steps: [step(id)],
      runs: [run(runId(1), id, { heldBy: "", status: "COMPLETED" })],
      inputs: [{ taskId: id, json: '{"a":1}' }],
      lanesAdded: [lane],
    }),
  );
  await store.close();
});

const here = (...words: string[]) => taskrun(["store", ...words], { cwd: root });

test("a backup says where it is, and a restoration what follows from it", async () => {
  const made = await here("backup", "one.backup", "--data", "data");
  expect(made).toMatchObject({ code: 0, stdout: `${file}\n` });
  expect(made.stderr).toMatch(/^commit \d+, \d+ bytes, checked; keep the folder tls and the keys/);
  expect(await here("backup", "one.backup", "--data", "data")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is there already"),
  });

  const done = await here("restore", "one.backup", "--data", "new");
  expect(done).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/taskrun\.db is as it was at commit \d+\n/),
  });
  expect(done.stderr).toContain("it begins a new incarnation");
  expect(await here("restore", "one.backup", "--data", "new")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--replace"),
  });
  const again = await here("restore", "one.backup", "--data", "new", "--replace", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ kept: join(root, "new", "taskrun.db.replaced") });
  expect(await here("verify", "--data", "new")).toMatchObject({ code: 0 });
});

test("a store that a server uses is verified and backed up, and says so; a restoration is refused", async () => {
  const store = stored();
  await store.boot();
  try {
    expect((await here("verify", "--data", "data")).stdout).toContain(
      "as a server that is using it has left it",
    );
    const made = await here("backup", "two.backup", "--data", "data", "--json");
    expect(JSON.parse(made.stdout)).toMatchObject({ online: true, file: join(root, "two.backup") });
    expect(await here("restore", "two.backup", "--data", "data", "--replace")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Stop that server first."),
    });
  } finally {
    await store.close();
  }
});

test("figures are by namespace, of a store in use as well", async () => {
  const store = stored();
  await store.boot();
  try {
    const id = taskId(7);
    await store.commit(
      commit({
        tasks: [task(id, { namespace: "other", counts: {} })],
        log: [{ taskId: id, entries: [line("x".repeat(2_000))] }],
      }),
    );
    const shown = await here("stats", "--data", "data", "--json");
    const { namespaces, bytes } = JSON.parse(shown.stdout);
    expect(namespaces).toEqual([
      {
        namespace: "default",
        tasks: 1,
        ended: 0,
        steps: 1,
        runs: 1,
        inputBytes: 7,
        resultBytes: 0,
        logBytes: 0,
      },
      expect.objectContaining({ namespace: "other", tasks: 1, steps: 0, runs: 0, inputBytes: 0 }),
    ]);
    expect(namespaces[1].logBytes).toBeGreaterThan(2_000);
    expect(bytes).toBeGreaterThan(4_096);
    const table = await here("stats", "--data", "data");
    expect(table.stdout).toMatch(/^NAMESPACE +TASKS +ENDED +STEPS +RUNS +INPUTS +RESULTS +LOGS/);
    expect(table.stdout).toMatch(/other +1 +0 +0 +0 +0 B +0 B +2\.\d KiB/);
    expect(table.stderr).toMatch(/^\d+(\.\d)? [KM]iB on the disk in all\n$/);
  } finally {
    await store.close();
  }
});

test("what is not there ends with 4, and what is for the other kind of store with 2", async () => {
  expect(await here("backup", "b", "--data", "none")).toMatchObject({ code: 4 });
  expect(await here("stats", "--data", "none")).toMatchObject({ code: 4 });
  expect(await here("restore", "none.backup", "--data", "other")).toMatchObject({ code: 4 });
  expect(await here("restored", "--store", "sqlite")).toMatchObject({ code: 2 });
  const env = { TASKRUN_STORE: "postgres://a@127.0.0.1:1/b" };
  const words = [["backup", "b"], ["restore", "b"], ["verify"]];
  for (const each of words)
    expect(await taskrun(["store", ...each], { cwd: root, env })).toMatchObject({ code: 2 });
});
