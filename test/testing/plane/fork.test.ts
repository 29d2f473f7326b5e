import { expect, test } from "vitest";
import { workflow } from "#templates/index";
import { testPlane } from "#testing/index";
import { agent } from "#worker/index";

const made = agent({ name: "made", run: async () => "made" });
const flow = workflow("order", (w) => {
  const pick = w.step("pick", { agent: "made" });
  return w.step("ship", { agent: "ship", after: [pick] });
});
const template = { namespace: "default", name: "order", version: "" };

async function failed() {
  let broken = true;
  const ship = agent({
    name: "ship",
    run: async () => {
      if (broken) throw new Error("no truck");
      return "shipped";
    },
  });
  const plane = await testPlane({ agents: [made, ship], templates: [flow] });
  const { tasks } = plane.client;
  const old = await tasks.create({ template, input: { n: 1 }, labels: { team: "a" } });
  await plane.ended(old, { within: "1h" });
  broken = false;
  return { plane, tasks, id: old.id };
}

test("a client forks a failed Task: it names the old one, has its labels and input, and what explain says is what is done", async () => {
  const { plane, tasks, id } = await failed();
  await using _ = plane;
  const { actions } = await tasks.explain(id);
  expect(actions.map(({ command }) => command)).toEqual([
    `taskrun dlq get ${id}`,
    `taskrun dlq redrive ${id}`,
    `taskrun task fork ${id} --from failed`,
    `taskrun task retry ${id}`,
  ]);

  const request = { idempotencyKey: "once", reason: "the truck is back" };
  const forked = await tasks.fork(id, request);
  expect(forked).toMatchObject({ forkedFrom: id, retryOf: "", labels: { team: "a" }, inputJson: '{"n":1}' });
  expect((await tasks.fork(id, request)).id).toBe(forked.id);
  const ended = await plane.ended(forked, { within: "1h" });
  expect(ended).toMatchObject({ status: "COMPLETED", outputJson: '"shipped"' });
  expect(ended.steps.map(({ name, attempts, outputJson }) => [name, attempts, outputJson])).toEqual([
    ["pick", 0, '"made"'],
    ["ship", 1, '"shipped"'],
  ]);
  const { entries } = await tasks.stepAudit(forked.id, "pick");
  expect(entries).toMatchObject([{ kind: "TAKEN_OVER", actor: id }]);
});

test("a fork closes the dead letter of the Task it goes on from: the first one, and a redrive after it makes no other Task", async () => {
  const { plane, tasks, id } = await failed();
  await using _ = plane;
  const { deadLetters } = plane.client;
  expect(await deadLetters.get(id)).toMatchObject({ status: "PENDING", redrivenAs: "" });
  const first = await tasks.fork(id, { idempotencyKey: "one" });
  const closed = await deadLetters.get(id);
  expect(closed).toMatchObject({ status: "MANUALLY_RESOLVED", redrivenAs: first.id });
  expect((await tasks.fork(id, { idempotencyKey: "one" })).id).toBe(first.id);

  const second = await tasks.fork(id, { idempotencyKey: "two" });
  expect(second.id).not.toBe(first.id);
  expect(await deadLetters.get(id)).toEqual(closed);
  expect((await deadLetters.redrive(id)).id).toBe(first.id);
  expect(await deadLetters.queue()).toEqual([]);
});

test("a fork leaves a dead letter of which somebody has said what became of it, and a refused one does too", async () => {
  const { plane, tasks, id } = await failed();
  await using _ = plane;
  const { deadLetters } = plane.client;
  await expect(tasks.fork(id, { from: "shp" })).rejects.toThrow("did you mean");
  expect(await deadLetters.get(id)).toMatchObject({ status: "PENDING" });
  await deadLetters.update(id, { status: "PERMANENTLY_FAILED", notes: "given up" });
  await tasks.fork(id);
  expect(await deadLetters.get(id)).toMatchObject({ status: "PERMANENTLY_FAILED", redrivenAs: "" });
});

test("what makes no sense is refused, with the way out", async () => {
  const { plane, tasks, id } = await failed();
  await using _ = plane;
  const live = await tasks.create({ agent: "nobody" });
  await expect(tasks.fork(live.id)).rejects.toThrow(
    `Task ${live.id} has not ended: it is enqueuing_steps. Resolve its Step instead, cancel it first, or wait for its end.`,
  );
  await expect(tasks.fork(id, { from: "shp" })).rejects.toThrow('did you mean "ship"?');
  await expect(tasks.fork("none")).rejects.toMatchObject({ code: "NOT_FOUND", reason: "TASK_NOT_FOUND" });
  await expect(tasks.fork(id, { input: [1] })).rejects.toThrow(/^input_json is no JSON object/);
  const { id: done } = await tasks.fork(id, { from: "pick" });
  await plane.ended(done, { within: "1h" });
  await expect(tasks.fork(done)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "NOTHING_FAILED",
  });
});
