import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { compareVersions } from "#cli/doctor/local";
import { preferredDriver } from "#stores/sqlite/driver";
import { lockFile } from "#stores/sqlite/file/lock";
import {
  Code,
  deadAddr,
  fakePlane,
  type NodeRpcs,
  refuse,
  type TaskRpcs,
  type WorkerRpcs,
} from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

interface Found {
  readonly check: string;
  readonly state: string;
  readonly says: string;
  readonly next?: string;
}

const NOW = Date.parse("2030-01-31T09:00:00Z");

/** What the doctor finds, by check. */
async function doctor(addr: string, words: readonly string[] = [], env: Record<string, string> = {}) {
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-doctor-"));
  const setting = { cwd, env: { XDG_CONFIG_HOME: cwd, ...env }, now: NOW };
  const { code, stdout, stderr } = await taskrun(["doctor", "--json", "--addr", addr, ...words], setting);
  expect(stderr).toBe("");
  const found = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Found);
  return { code, found, of: (check: string) => found.filter((each) => each.check === check) };
}

async function serverWith(tasks: TaskRpcs, workers: WorkerRpcs = {}, nodes: NodeRpcs = {}): Promise<string> {
  const plane = await fakePlane(tasks, workers, {}, nodes);
  onTestFinished(() => plane[Symbol.asyncDispose]());
  return plane.addr;
}

const well: TaskRpcs = {
  listTasks: () => ({ tasks: [] }),
  getOverview: () => ({ atMs: BigInt(NOW + 500) }),
};
const worker: WorkerRpcs = {
  listWorkers: () => ({ workers: [{ workerId: "w" }] }),
  listAgents: () => ({ agents: [{ name: "greet", workers: 1, waiting: 3 }] }),
};
const node = (version: string): NodeRpcs => ({ listNodes: () => ({ nodes: [{ version, state: 1 }] }) });

test("without a server it says what this machine can do, and that none answers", async () => {
  const { code, of } = await doctor(await deadAddr());
  expect(code).toBe(1);
  expect(of("node")[0]?.state).toBe("ok");
  expect(of("settings")).toMatchObject([{ state: "ok", says: "all at their default" }]);
  expect(of("data")).toMatchObject([{ state: "ok", says: expect.stringContaining("does not exist yet") }]);
  expect(of("lock")).toMatchObject([{ state: "skipped" }]);
  expect(of("server")).toMatchObject([{ state: "wrong", next: expect.stringContaining("taskrun dev") }]);
  expect(of("workers")).toMatchObject([{ state: "skipped", says: "no server answers" }]);
});

test("with a server that is well nothing is wrong", async () => {
  const { code, found, of } = await doctor(await serverWith(well, worker, node("0.0.1")));
  expect(found.filter(({ state }) => state === "wrong")).toEqual([]);
  expect(code).toBe(0);
  expect(of("credential")[0]?.says).toBe("accepted; it may read tasks, workers, agents, nodes");
  expect(of("clock")[0]?.state).toBe("ok");
  expect(of("version")).toMatchObject([
    { state: "warning", says: expect.stringContaining("the server 0.0.1") },
  ]);
  expect(of("workers")[0]?.says).toBe("1 connected");
});

test("a credential that is not accepted ends the questions", async () => {
  const denied = { listTasks: () => refuse(Code.Unauthenticated, "no key") };
  const { code, of } = await doctor(await serverWith(denied));
  expect(code).toBe(1);
  expect(of("server")[0]?.state).toBe("ok");
  expect(of("credential")).toMatchObject([
    { state: "wrong", next: expect.stringContaining("--api-key-file") },
  ]);
  expect(of("clock")[0]?.says).toBe("the credential is not accepted");
});

test("clocks that differ, a plane without workers and a mistyped agent are found", async () => {
  const alone: WorkerRpcs = {
    listWorkers: () => ({ workers: [] }),
    listAgents: () => ({
      agents: [
        { name: "greet", workers: 1 },
        { name: "gret", namespace: "shop", workers: 0, waiting: 2 },
      ],
    }),
  };
  const late: TaskRpcs = { ...well, getOverview: () => ({ atMs: BigInt(NOW - 60_000) }) };
  const { code, of } = await doctor(await serverWith(late, alone));
  expect(code).toBe(1);
  expect(of("clock")[0]?.says).toBe("the server's is 1m 00s behind this one");
  expect(of("workers")).toMatchObject([{ state: "wrong", says: "none is connected, and tasks wait" }]);
  expect(of("agents")).toMatchObject([
    {
      state: "wrong",
      says: "2 steps wait for gret in namespace shop, which no worker runs",
      next: "Start a worker that runs it; or was greet meant?",
    },
  ]);
});

test("wrong settings, and a data directory that is none, are found without a server", async () => {
  const addr = await serverWith(well, worker);
  const settings = await doctor(addr, [], { TASKRUN_LEASE: "soon" });
  expect([settings.code, settings.of("settings")[0]?.state]).toEqual([1, "wrong"]);
  expect(settings.of("data")[0]?.state).toBe("skipped");

  const folder = mkdtempSync(join(tmpdir(), "taskrun-doctor-"));
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect((await doctor(addr, [], { TASKRUN_DATA: file })).of("data")[0]?.says).toContain("is no directory");
  const open = join(folder, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  expect((await doctor(addr, [], { TASKRUN_DATA: open })).of("data")[0]?.state).toBe("warning");
});

test("whether a server uses the data is told by its lock, which is free again afterwards", async () => {
  const addr = await serverWith(well, worker);
  const data = mkdtempSync(join(tmpdir(), "taskrun-doctor-"));
  const file = { path: join(data, "taskrun.db"), driver: preferredDriver() };
  const release = lockFile(file);
  expect((await doctor(addr, [], { TASKRUN_DATA: data })).of("lock")[0]?.says).toBe(
    "a server uses the data now",
  );
  release();
  const free = await doctor(addr, [], { TASKRUN_DATA: data });
  expect(free.of("lock")[0]?.says).toBe("no server uses the data now");
  expect(free.of("store")[0]?.says).toContain("store verify");
  lockFile(file)();
});

test("for people each finding is a line, with what to do below it", async () => {
  const addr = await deadAddr();
  const cwd = mkdtempSync(join(tmpdir(), "taskrun-doctor-"));
  const { code, stdout } = await taskrun(["doctor", "--addr", addr], { cwd, env: { XDG_CONFIG_HOME: cwd } });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ok {5}node {8}\d+\.\d+/);
  expect(stdout).toContain("WRONG  server      cannot connect");
  expect(stdout).toMatch(/\n1 wrong[^\n]*\.\n$/);
});

test("versions are compared by their numbers", () => {
  expect([
    compareVersions("20.19.0", "20.19"),
    compareVersions("20.9.9", "20.19"),
    compareVersions("24.0.0-rc1", "20"),
  ]).toEqual([0, -10, 4]);
});
