import { expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import { MAIN_STEP, type WorkerId } from "#domain/id";
import type { AuditTrail, Refusal } from "#ports/audit";
import { memoryStore } from "#stores/memory/index";
import { template } from "#testing/rows";
import { startBench } from "./kit/bench-plane.js";

const OPERATOR: Caller = { principal: "key:op", namespaces: "*", roles: ["operator"] };
const STRANGER: Caller = { principal: "key:far", namespaces: ["far"], roles: ["operator"] };

async function startAudited() {
  const store = memoryStore();
  const refused: Refusal[] = [];
  let committed = 0;
  const trail: AuditTrail = {
    chain: "server",
    refused: (refusal) => refused.push(refusal),
    record: async () => {},
    committed: (records) => {
      committed += records;
    },
  };
  const bench = await startBench(store, { parts: { audit: () => trail } });
  const lines = async () => {
    const entries = (await store.audit?.entries(undefined, 100)) ?? [];
    expect(committed).toBe(entries.length);
    return entries.map(({ actor, action, object, namespace }) =>
      [actor, action, object, namespace].join(" ").trim(),
    );
  };
  return { ...bench, store, refused, lines };
}

test("a Task that is created, runs and ends leaves no entry, and neither does one that its creator cancels", async () => {
  const { create, cancel, worker, settle, lines } = await startAudited();
  const echo = worker("w1");
  await settle();
  await create();
  const { runId } = echo.assigned();
  await echo.report(runId, "RUNNING");
  await echo.report(runId, "COMPLETED", { output: "1" });
  const { task } = await create({ agentName: "nobody" });
  await cancel(task.id);
  await settle();
  expect(await lines()).toEqual([]);
});

test("what operators do is in the log, with who did it, in the commit that does it", async () => {
  const { plane, create, worker, settle, lines } = await startAudited();
  worker("w1");
  await settle();
  const { task } = await create({ agentName: "nobody" });
  await plane.cancel(OPERATOR, task.id, "in the way");
  await plane.register(OPERATOR, template("echo", "1.0.0"));
  await plane.register(OPERATOR, template("echo", "1.0.0"));
  const held = await create({ agentName: "nobody" });
  await plane.resolve(OPERATOR, held.task.id, MAIN_STEP, { type: "complete", output: "1" });
  const retry = {
    id: "retry-1" as never,
    namespace: "default",
    input: "{}",
    spec: { ...task.spec, retryOf: task.id },
  };
  await plane.submit(OPERATOR, [retry]);
  await plane.drainWorker({ ...OPERATOR, principal: "local" }, "w1" as WorkerId, "maintenance");

  const { namespace, name, version } = template("echo", "1.0.0");
  expect(await lines()).toEqual([
    `key:op task.cancel task ${task.id} default`,
    `key:op template.register template ${namespace}/${name}@${version} ${namespace}`,
    `key:op step.resolve step ${held.task.id}/main default`,
    `key:op task.retry task ${task.id} default`,
    "local worker.drain worker w1",
  ]);
});

test("what a caller may not do is answered as unknown, and noted", async () => {
  const { plane, create, lines, refused } = await startAudited();
  const { task } = await create();
  const unknown = { code: "not_found" };
  await expect(plane.cancel(STRANGER, task.id, "")).rejects.toMatchObject(unknown);
  await expect(plane.resolve(STRANGER, task.id, MAIN_STEP, { type: "resolve" })).rejects.toMatchObject(
    unknown,
  );
  await expect(plane.signal(STRANGER, task.id, "go", "1")).rejects.toMatchObject(unknown);
  await expect(plane.cancel(STRANGER, "none" as never, "")).rejects.toMatchObject(unknown);
  await expect(plane.register(STRANGER, template("echo", "1.0.0"))).rejects.toMatchObject({ code: "denied" });

  expect(await lines()).toEqual([]);
  expect(refused.map(({ actor, action, object }) => `${actor} ${action} ${object}`)).toEqual([
    `key:far task.cancel task ${task.id}`,
    `key:far step.resolve task ${task.id}`,
    `key:far task.signal task ${task.id}`,
    expect.stringContaining("key:far template.register template"),
  ]);
});
