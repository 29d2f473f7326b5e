/** The command line against a real server: what it exits with, which scripts rely on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
let server: Server;

beforeAll(async () => {
  server = await stage.server();
  await stage.worker(server.addr, { id: "cli" });
});
afterAll(() => stage.end());

/** Runs a command to its end. */
async function taskrun(...args: readonly string[]) {
  const proc = stage.run(args, { TASKRUN_ADDR: server.addr });
  const exit = await proc.ended;
  return { exit, stdout: proc.stdout, stderr: proc.stderr };
}

test("0: a task that completes, from its creation to its end", async () => {
  const { exit, stdout } = await taskrun(
    "task",
    "create",
    "--agent",
    "writer",
    "--input",
    '{"chunks":2}',
    "--watch",
  );
  expect(exit).toBe(0);
  expect(stdout.trim().split("\n")).toHaveLength(2);

  const created = await taskrun("task", "create", "--agent", "writer", "--json");
  expect(created.exit).toBe(0);
  const { id } = JSON.parse(created.stdout) as { id: string };
  expect((await taskrun("task", "watch", id)).exit).toBe(0);
  expect((await taskrun("task", "list")).stdout).toContain(id);
  expect((await taskrun("worker", "get", "cli")).exit).toBe(0);
});

test("1: a task that fails, one that is cancelled, and a request refused", async () => {
  const failed = await taskrun("task", "create", "--agent", "failing", "--watch");
  expect(failed.exit).toBe(1);
  expect(failed.stderr).toContain("as it was told to");

  const { stdout } = await taskrun("task", "create", "--agent", "nobody-has-it");
  expect((await taskrun("task", "cancel", stdout.trim())).exit).toBe(0);
  expect((await taskrun("task", "watch", stdout.trim())).exit).toBe(1);
  expect((await taskrun("task", "cancel", stdout.trim())).exit).toBe(1);
});

test("a task is called by the beginning of its id that a list shows, whatever namespace it is in", async () => {
  const created = await taskrun("task", "create", "--agent", "nobody-has-it", "--namespace", "elsewhere");
  const other = await taskrun("task", "create", "--agent", "nobody-has-it");
  const [id, otherId] = [created.stdout.trim(), other.stdout.trim()];

  const got = await taskrun("task", "get", id.slice(0, 13), "--json");
  expect(JSON.parse(got.stdout)).toMatchObject({ id, namespace: "elsewhere" });
  // The first 8 characters are those of a minute.
  const several = await taskrun("task", "cancel", id.slice(0, 8));
  expect(several.exit === 2 || id.slice(0, 8) !== otherId.slice(0, 8)).toBe(true);
  const cancelled = await taskrun("task", "cancel", id.slice(0, 13), otherId);
  expect(cancelled).toMatchObject({ exit: 0, stdout: `${id} CANCELLED\n${otherId} CANCELLED\n` });
  expect((await taskrun("task", "watch", otherId.slice(0, 20))).exit).toBe(1);
});

test("lists are filtered, watched and completed, and top, config, profile and doctor tell of a real server", async () => {
  const { stdout } = await taskrun("task", "create", "--agent", "writter", "--correlation-id", "order-1");
  const id = stdout.trim();
  const found = await taskrun(
    "task",
    "list",
    "--waiting",
    "--correlation",
    "order-1",
    "--since",
    "1h",
    "--json",
  );
  expect(
    found.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).id),
  ).toEqual([id]);
  expect((await taskrun("task", "list", "--namespace", "*", "--age", "<1h")).stdout).toContain("NAMESPACE");
  // On a busy machine the server may answer later than a completion waits.
  const completed = await until("the id is completed", async () => {
    return (await taskrun("complete", "--", "task", "get", id.slice(0, 30))).stdout.trim() || undefined;
  });
  expect(completed).toBe(id);

  const watched = stage.run(["task", "list", "--watch", "--correlation", "order-1"], {
    TASKRUN_ADDR: server.addr,
  });
  await watched.said("the list has the task", (proc) => proc.stdout.includes(id));
  await server.proc.end("SIGKILL");
  await watched.said("the server is away", (proc) => proc.stderr.includes("does not answer"));
  await server.start();
  await watched.said("the server is back", (proc) => proc.stderr.includes("answers again"));
  await taskrun("task", "cancel", id);
  await watched.said("the task is cancelled", (proc) => proc.stdout.includes("CANCELLED"));
  expect(await watched.end("SIGINT")).toBe(130);

  await taskrun("task", "create", "--agent", "writter");
  // The worker comes back after a delay of its own, which is random.
  const top = await until("the worker is back", async () => {
    const shown = JSON.parse((await taskrun("top", "--json")).stdout);
    return shown.workers.some((worker: { id: string }) => worker.id === "cli") && shown;
  });
  expect(top.queues).toMatchObject([{ agent: "writter", waiting: expect.any(Number) }]);
  expect((await taskrun("top")).stdout).toContain("QUEUES");

  expect((await taskrun("config", "check", "--lease", "30s")).exit).toBe(0);
  expect((await taskrun("config", "show", "--given", "--lease", "20s")).stdout).toContain("--lease");
  expect((await taskrun("config", "explain", "TASKRUN_LEASE")).stdout).toContain("set by");
  expect((await taskrun("profile", "show", "none")).exit).toBe(4);
  const doctor = await taskrun("doctor");
  expect(doctor.exit).toBe(1);
  expect(doctor.stdout).toMatch(/WRONG +agents +1 step waits for writter.*\n.*writer meant/);
});

test.each([
  ["2", ["task", "create"]],
  ["2", ["task", "create", "--agent", "a", "--input", "{oops"]],
  ["2", ["task", "frobnicate"]],
  ["2", ["server", "--lease", "soon"]],
  ["3", ["task", "list", "--addr", "127.0.0.1:1"]],
  ["4", ["task", "get", "nobody"]],
  ["4", ["task", "cancel", "nobody"]],
  ["4", ["worker", "get", "nobody"]],
])("%s: %s", async (code, args) => {
  const { exit, stdout, stderr } = await taskrun(...args);
  expect(`${exit} ${stderr}`).toMatch(new RegExp(`^${code} .+`));
  expect(stdout).toBe("");
});

test("130: a watch that is interrupted says where to go on from", async () => {
  const { stdout } = await taskrun("task", "create", "--agent", "sleeper");
  const id = stdout.trim();
  const watch = stage.run(["task", "watch", id, "--json"], { TASKRUN_ADDR: server.addr });
  await watch.said("the run is running", (proc) => proc.stdout.includes("RUNNING"));
  expect(await watch.end("SIGINT")).toBe(130);
  const seq = /--after-seq (\d+)/.exec(watch.stderr)?.[1];
  expect(watch.stdout.trim().split("\n")).toHaveLength(Number(seq));

  expect((await taskrun("task", "cancel", id)).exit).toBe(0);
  const rest = await taskrun("task", "watch", id, "--after-seq", String(seq), "--json");
  expect(rest.exit).toBe(1);
  expect(JSON.parse(rest.stdout.split("\n", 1)[0] ?? "")).toMatchObject({ seq: Number(seq) + 1 });
});
