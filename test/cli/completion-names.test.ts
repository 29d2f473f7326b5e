import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { limits } from "#limits/index";
import { aTask, Code, deadAddr, fakePlane, refuse } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

/** What a shell is told for these words. */
async function completed(words: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await taskrun(["complete", "--", ...words], { env });
  expect([code, stderr]).toEqual([0, ""]);
  return stdout === "" ? [] : stdout.trim().split("\n");
}

/** A server that answers, however long that takes on a busy machine. */
async function planeWithNames() {
  const patient = vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal);
  onTestFinished(() => patient.mockRestore());
  const asked: string[] = [];
  const ids = ["019a2b3c-4d5e-7f01-8abc-def012345678", "019a2b3d-4d5e-7f01-8abc-def012345678"];
  const plane = await fakePlane(
    {
      listTasks: ({ idPrefix, namespace }) => {
        asked.push(`${idPrefix} ${namespace}`);
        const found = ids.filter((id) => id.startsWith(idPrefix));
        return { tasks: found.map((id) => aTask({ id, namespace: "shop" })) };
      },
    },
    {
      listWorkers: () => ({ workers: [{ workerId: "w-1" }, { workerId: "x-1" }, { workerId: "$(evil)" }] }),
      listAgents: () => ({ agents: [{ name: "greet" }, { name: "grade", namespace: "school" }] }),
    },
    {
      list: () => ({
        templates: [
          { namespace: "shop", name: "order", version: "1.0.0" },
          { namespace: "shop", name: "order", version: "2.0.0" },
        ],
      }),
    },
    {},
    { deadLetters: { listDeadLetters: () => ({ deadLetters: [{ taskId: "dead-1" }] }) } },
  );
  onTestFinished(() => plane[Symbol.asyncDispose]());
  const complete = (...words: readonly string[]) => completed(words, { TASKRUN_ADDR: plane.addr });
  return { complete, ids, asked, addr: plane.addr };
}

test("the beginning of an id is completed to those that the server knows, wherever an id may stand", async () => {
  const { complete, ids, asked } = await planeWithNames();
  for (const verb of ["get", "explain", "watch", "retry", "steps"]) {
    expect(await complete("task", verb, "")).toEqual(ids);
  }
  expect(await complete("task", "get", "019a2b3c")).toEqual([ids[0]]);
  expect(await complete("task", "cancel", ids[0] ?? "", "")).toEqual(ids);
  expect(await complete("task", "get", "--json", "")).toEqual(ids);
  expect(await complete("task", "get", ids[0] ?? "", "")).toEqual([]);
  expect(await complete("inspect", "")).toEqual(ids);
  expect(await complete("task", "list", "--parent", "")).toEqual(ids);
  expect(asked).toContain("019a2b3c ");
});

test("agents, templates, workers and namespaces are completed, and no name that a shell would read otherwise", async () => {
  const { complete } = await planeWithNames();
  expect(await complete("agent", "get", "gre")).toEqual(["greet"]);
  expect(await complete("task", "create", "--agent", "")).toEqual(["greet", "grade"]);
  expect(await complete("worker", "get", "")).toEqual(["w-1", "x-1"]);
  expect(await complete("worker", "drain", "w")).toEqual(["w-1"]);
  for (const verb of ["get", "update", "redrive"])
    expect(await complete("dlq", verb, "")).toEqual(["dead-1"]);
  expect(await complete("template", "get", "")).toEqual(["order"]);
  expect(await complete("task", "create", "--template", "shop/")).toEqual(["shop/order"]);
  expect(await complete("template", "get", "order@")).toEqual(["order@1.0.0", "order@2.0.0"]);
  expect(await complete("task", "list", "--namespace", "")).toEqual(["school", "shop"]);
});

test("the words say which server is asked", async () => {
  const { ids, addr } = await planeWithNames();
  expect(await completed(["task", "get", "--addr", addr, ""], { TASKRUN_ADDR: await deadAddr() })).toEqual(
    ids,
  );
});

test("profiles and settings are completed without a server", async () => {
  const home = mkdtempSync(join(tmpdir(), "taskrun-names-"));
  const folder = join(home, "taskrun", "profiles");
  mkdirSync(folder, { recursive: true });
  for (const name of ["prod", "test"]) writeFileSync(join(folder, `${name}.json`), "{}");
  const env = { XDG_CONFIG_HOME: home };
  expect(await completed(["profile", "use", ""], env)).toEqual(["prod", "test"]);
  expect(await completed(["task", "list", "--profile", "p"], env)).toEqual(["prod"]);
  expect(await completed(["config", "explain", "lea"], env)).toEqual(["lease"]);
});

test("a server that is not there, refuses or hangs completes nothing, in silence and in time", async () => {
  expect(await completed(["task", "get", ""], { TASKRUN_ADDR: await deadAddr() })).toEqual([]);
  const denied = await fakePlane({ listTasks: () => refuse(Code.Unauthenticated, "no") });
  onTestFinished(() => denied[Symbol.asyncDispose]());
  expect(await completed(["task", "get", ""], { TASKRUN_ADDR: denied.addr })).toEqual([]);
  expect(await completed(["task", "get", ""], { TASKRUN_PROFILE: "none" })).toEqual([]);

  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  onTestFinished(() => void silent.close());
  await new Promise((resolve) => silent.once("listening", resolve));
  const { port } = silent.address() as { port: number };
  const began = performance.now();
  expect(await completed(["task", "get", ""], { TASKRUN_ADDR: `127.0.0.1:${port}` })).toEqual([]);
  // Far below the patience of other calls, however busy this machine is.
  expect(performance.now() - began).toBeLessThan(limits.callTimeout / 2);
});
