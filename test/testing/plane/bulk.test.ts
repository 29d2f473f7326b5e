import { describe, expect, test } from "vitest";
import type { BulkBatch, BulkRequest, TaskRunClient } from "#client/index";
import { workflow } from "#templates/index";
import { testPlane } from "#testing/index";
import { agent } from "#worker/index";

/** All batches of a bulk action, one after the other. */
async function all({ tasks }: TaskRunClient, request: BulkRequest, pageToken = ""): Promise<BulkBatch[]> {
  const batch = await tasks.bulk({ ...request, pageToken });
  if (batch.nextPageToken === "") return [batch];
  return [batch, ...(await all({ tasks } as TaskRunClient, request, batch.nextPageToken))];
}

const sum = (batches: readonly BulkBatch[], what: "matched" | "done" | "already") =>
  batches.reduce((total, batch) => total + batch[what], 0);

describe("cancel", () => {
  async function crowd() {
    const plane = await testPlane();
    const { tasks } = plane.client;
    for (let n = 0; n < 25; n += 1) {
      await tasks.create({ agent: "nobody", labels: { odd: String(n % 2 === 1) } });
    }
    return { plane, client: plane.client, filter: { labels: { odd: "true" } } };
  }

  test("a dry run counts and changes nothing; a bulk does each once, batch by batch", async () => {
    const { plane, client, filter } = await crowd();
    await using _ = plane;
    const dry = await all(client, { action: "cancel", filter, dryRun: true, maxTasks: 5 });
    expect([sum(dry, "matched"), sum(dry, "done")]).toEqual([12, 12]);
    expect((await client.tasks.page({ status: "CANCELLED" })).tasks).toEqual([]);

    const request = { action: "cancel", filter, bulkId: "b1", maxTasks: 5, reason: "not needed" } as const;
    const batches = await all(client, request);
    expect(batches.map(({ matched, done }) => [matched, done])).toEqual([
      [5, 5],
      [5, 5],
      [2, 2],
    ]);
    const { tasks } = await client.tasks.page({ status: "CANCELLED" });
    expect(tasks.map(({ errorMessage }) => errorMessage)).toEqual(Array(12).fill("not needed"));
    const again = await all(client, request);
    expect([sum(again, "done"), sum(again, "already")]).toEqual([0, 12]);
  });

  test("what waits for the end of a pause is not among what waits for a worker: neither in a list nor in a bulk", async () => {
    await using plane = await testPlane();
    const { tasks, pauses } = plane.client;
    const create = (agent: string) => tasks.create({ agent });
    const made = { paused: [await create("a"), await create("a")], free: [await create("b")] };
    const idsOf = async (waiting: string) =>
      (await tasks.page({ waiting })).tasks.map(({ id }) => id).toSorted();
    const ids = (of: readonly { readonly id: string }[]) => of.map(({ id }) => id).toSorted();
    expect(await idsOf("WORKER")).toEqual(ids([...made.paused, ...made.free]));

    const scope = { kind: "agent", name: "a", namespace: "default" } as const;
    await pauses.pause(scope, { reason: "bad answers" });
    expect(await idsOf("PAUSED")).toEqual(ids(made.paused));
    expect(await idsOf("WORKER")).toEqual(ids(made.free));
    const reasons = (await tasks.page({ waiting: "PAUSED" })).tasks.map((task) => task.waitingReason);
    for (const reason of reasons) expect(reason).toMatch(/^PAUSED: agent "a" in namespace "default"/);
    const [batch, ...others] = await all(plane.client, {
      action: "cancel",
      filter: { waiting: "PAUSED" },
      bulkId: "b",
    });
    expect([batch?.matched, batch?.done, others]).toEqual([2, 2, []]);
    await pauses.resume(scope);
    expect([await idsOf("PAUSED"), await idsOf("WORKER")]).toEqual([[], ids(made.free)]);
  });

  test("Tasks with which it cannot be done are counted, with the reason, and keep the others from nothing", async () => {
    const done = agent({ name: "done", run: async () => 1 });
    await using plane = await testPlane({ agents: [done] });
    const { tasks } = plane.client;
    for (let n = 0; n < 7; n += 1) await plane.ended(await tasks.create({ agent: "done" }), { within: "1m" });
    await tasks.create({ agent: "nobody" });
    const expected = {
      matched: 8,
      done: 1,
      refusals: [{ count: 7, message: expect.stringMatching(/already in terminal state/) }],
      nextPageToken: "",
    };
    expect(await tasks.bulk({ action: "cancel", dryRun: true })).toMatchObject(expected);
    const batch = await tasks.bulk({ action: "cancel", bulkId: "b" });
    expect(batch).toMatchObject(expected);
    expect(batch.refusals[0]?.taskIds).toHaveLength(5);
  });
});

describe("what ended badly", () => {
  const made = agent({ name: "made", run: async () => "made" });
  const flow = workflow("order", (w) => {
    const pick = w.step("pick", { agent: "made" });
    return w.step("ship", { agent: "ship", after: [pick] });
  });

  async function failed(count: number) {
    const ship = agent({
      name: "ship",
      run: async () => {
        throw new Error("no truck");
      },
    });
    const plane = await testPlane({ agents: [made, ship], templates: [flow] });
    const template = { namespace: "default", name: "order", version: "" };
    for (let n = 0; n < count; n += 1) {
      await plane.ended(await plane.client.tasks.create({ template }), { within: "1h" });
    }
    return { plane, client: plane.client };
  }

  test.each(["retry", "fork"] as const)(
    "%s makes one Task of each, also when it begins anew, and none of its own",
    async (action) => {
      const { plane, client } = await failed(6);
      await using _ = plane;
      const request = { action, filter: { status: "FAILED" }, bulkId: "b1", maxTasks: 4 } as const;
      const first = await all(client, request);
      expect([sum(first, "matched"), sum(first, "done")]).toEqual([6, 6]);
      await plane.advance("1h");
      expect((await client.tasks.page({ status: "FAILED" })).tasks).toHaveLength(12);

      const again = await all(client, request);
      expect([sum(again, "matched"), sum(again, "done"), sum(again, "already")]).toEqual([6, 0, 6]);
      const { tasks } = await client.tasks.page();
      const link = action === "retry" ? "retryOf" : "forkedFrom";
      const links = tasks.map((task) => task[link]).filter((id) => id !== "");
      expect(new Set(links).size).toBe(6);
      expect(links).toHaveLength(6);

      const another = await all(client, { ...request, bulkId: "b2", dryRun: true });
      expect(sum(another, "done")).toBe(12);
    },
  );

  test("Tasks that are held are reset, or their failed Steps counted as done", async () => {
    let broken = true;
    const ship = agent({
      name: "ship",
      run: async () => {
        if (broken) throw new Error("no truck");
        return "shipped";
      },
    });
    const held = workflow("order", { holdOnFailure: true }, (w) => w.step("ship", { agent: "ship" }));
    await using plane = await testPlane({ agents: [ship], templates: [held] });
    const { tasks } = plane.client;
    const template = { namespace: "default", name: "order", version: "" };
    for (let n = 0; n < 3; n += 1) await tasks.create({ template });
    await plane.advance("1h");
    const filter = { states: ["blocked_by_failures"] } as const;
    expect(await tasks.bulk({ action: "reset", bulkId: "r1", filter })).toMatchObject({
      matched: 3,
      done: 3,
    });
    await plane.advance("1h");
    broken = false;
    expect(await tasks.bulk({ action: "reset", bulkId: "r2", filter })).toMatchObject({
      matched: 3,
      done: 3,
    });
    await plane.advance("1h");
    expect((await tasks.page({ status: "COMPLETED" })).tasks).toHaveLength(3);
    expect(await tasks.bulk({ action: "resolve", bulkId: "r3" })).toMatchObject({
      done: 0,
      refusals: [{ count: 3 }],
    });
  });
});

test("wrong requests are refused by field", async () => {
  await using plane = await testPlane();
  const { tasks } = plane.client;
  await expect(tasks.bulk({ action: "cancel" })).rejects.toThrow(/^bulk_id is required/);
  await expect(tasks.bulk({ action: "cancel", bulkId: "a b" })).rejects.toThrow(/^bulk_id is not 1 to 64/);
  await expect(tasks.bulk({ action: "cancel", bulkId: "a", pageToken: "x" })).rejects.toThrow(/^page_token/);
  await expect(tasks.bulk({ action: "undo" as never, bulkId: "a" })).rejects.toThrow(/^action/);
  const filter = { states: ["complete"], status: "RUNNING" } as const;
  await expect(tasks.bulk({ action: "cancel", bulkId: "a", filter })).rejects.toThrow(
    /^filter.states has no state/,
  );
});
