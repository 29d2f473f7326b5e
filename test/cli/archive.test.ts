/** Export and import by the command line: what they write, print, refuse and end with. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sqliteStore } from "#stores/sqlite/index";
import { commit, ended, line, task, taskId } from "#testing/rows";
import { taskrun } from "./fake-io.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-archive-cli-"));
afterAll(() => rmSync(root, { recursive: true }));
const storeIn = (data: string) =>
  sqliteStore({ path: join(root, data, "taskrun.db"), threads: false, reserveBytes: 0 });
const here = (...words: string[]) => taskrun(words, { cwd: root });

beforeAll(async () => {
  const store = storeIn("data");
  await store.boot();
  for (const n of [1, 2]) {
    const row = task(taskId(n), { counts: {}, namespace: n === 1 ? "a" : "b" });
    await store.commit(commit({ tasks: [row], inputs: [{ taskId: row.id, json: '{"n": 1.0}' }] }));
    await store.commit(
      commit({ tasks: [ended(row, 1_000 * n)], log: [{ taskId: row.id, entries: [line("x")] }] }),
    );
  }
  await store.close();
});

test("what export writes import reads, once", async () => {
  expect(await here("export", "--data", "data", "--out", "all.jsonl")).toEqual({
    code: 0,
    stdout: "",
    stderr: "2 ended tasks exported\n",
  });
  expect(statSync(join(root, "all.jsonl")).mode & 0o777).toBe(0o600);
  const printed = await here("export", "--data", "data");
  expect(printed.stdout.split("\n").slice(1)).toEqual(
    readFileSync(join(root, "all.jsonl"), "utf8").split("\n").slice(1),
  );
  expect(await here("export", "--data", "data", "--out", "all.jsonl")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is there already"),
  });
  expect(await here("import", "all.jsonl", "--data", "new")).toMatchObject({
    code: 0,
    stdout: "2 imported, 0 there already, 0 refused\n",
  });
  const again = await here("import", "all.jsonl", "all.jsonl", "--data", "new", "--json");
  expect(JSON.parse(again.stdout)).toEqual({ imported: 0, skipped: 4, withoutKey: 0, refused: [] });
  expect(readdirSync(root).filter((name) => name.includes("partial"))).toEqual([]);
});

test("options choose namespaces, a status, and when the tasks finished", async () => {
  const count = async (...words: string[]) => (await here("export", "--data", "data", ...words)).stderr;
  expect(await count("--namespace", "a")).toBe("1 ended task exported\n");
  expect(await count("--namespace", "a", "b", "c")).toBe("2 ended tasks exported\n");
  expect(await count("--status", "failed")).toBe("0 ended tasks exported\n");
  expect(await count("--finished-before", "1970-01-01T00:00:02Z")).toBe("1 ended task exported\n");
  expect(await here("export", "--data", "data", "--status", "RUNNING")).toMatchObject({ code: 2 });
});

test("a file that is cut off, none, and a store in use end with what to do", async () => {
  const whole = readFileSync(join(root, "all.jsonl"), "utf8");
  writeFileSync(join(root, "cut.jsonl"), whole.slice(0, -100));
  const cut = await here("import", "cut.jsonl", "--data", "third");
  expect(cut).toMatchObject({ code: 1, stderr: expect.stringMatching(/cut\.jsonl, line \d+: /) });
  expect(await here("import", "none.jsonl", "--data", "third")).toMatchObject({ code: 4 });
  expect(await here("export", "--data", "nowhere")).toMatchObject({ code: 4 });
  expect(await here("export", "--store", "memory")).toMatchObject({ code: 2 });

  const store = storeIn("data");
  await store.boot();
  try {
    expect((await here("export", "--data", "data")).stderr).toBe("2 ended tasks exported\n");
    expect(await here("import", "all.jsonl", "--data", "data")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("another server has"),
    });
  } finally {
    await store.close();
  }
});

test("a task that is there and differs is named, and the exit code says so", async () => {
  const store = storeIn("fourth");
  await store.boot();
  await store.commit(commit({ tasks: [task(taskId(1))] }));
  await store.close();
  expect(await here("import", "all.jsonl", "--data", "fourth")).toMatchObject({
    code: 1,
    stdout: "1 imported, 0 there already, 1 refused\n",
    stderr: `task ${taskId(1)} is refused: it is there, and in another state\n`,
  });
});
