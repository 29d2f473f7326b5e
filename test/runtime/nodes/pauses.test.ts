import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { PauseScope } from "#domain/pause/pause";
import { later, millis, NEVER } from "#domain/time/time";
import { startNodes } from "./kit/nodes.js";

/** How long what was done through another node may take if no wake has told of it. */
const A_POLL = 5_000;

const agent: PauseScope = { kind: "agent", namespace: "default", name: "echo", principal: "" };
const worker: PauseScope = { kind: "worker", namespace: "", name: "w1", principal: "local" };
const asked = (scope: PauseScope, until = NEVER) => ({ scope, reason: "why", until });

async function two() {
  const nodes = await startNodes(2);
  const [a, b] = nodes.all as [(typeof nodes.all)[0], (typeof nodes.all)[0]];
  return { ...nodes, a, b };
}

describe.each([
  ["an agent", agent],
  ["a worker", worker],
])("%s", (_, scope) => {
  test("that is paused through one node gets nothing through another, and all of it once it is resumed", async () => {
    const { a, b, pass, settle } = await two();
    const w1 = a.worker("w1");
    await settle();
    await b.plane.pause(LOCAL_CALLER, asked(scope));
    await pass(A_POLL, w1);
    expect(a.plane.pauses().all()).toMatchObject([{ reason: "why", by: "local" }]);
    const { task } = await a.create();
    await pass(A_POLL, w1);
    expect(w1.assignments()).toEqual([]);

    await b.plane.resume(LOCAL_CALLER, scope);
    await pass(A_POLL, w1);
    expect(w1.assigned().taskId).toBe(task.id);
    expect(a.plane.pauses().size).toBe(0);
  });
});

test("a pause is resumed through a node that has not heard of it yet", async () => {
  const { a, b, pass, memory } = await two();
  await a.plane.pause(LOCAL_CALLER, asked(agent));
  expect(await b.plane.resume(LOCAL_CALLER, agent)).toBeUndefined();
  await pass(2 * A_POLL);
  expect(a.plane.pauses().size).toBe(0);
  expect((await memory.whole.boot()).pauses).toEqual([]);
});

test("a pause ends on every node at its time, and one that has taken its place meanwhile does not", async () => {
  const { a, b, pass, clock, memory } = await two();
  await a.plane.pause(LOCAL_CALLER, asked(agent, later(clock.now(), millis(20_000))));
  await a.plane.pause(LOCAL_CALLER, asked(worker, later(clock.now(), millis(20_000))));
  await pass(A_POLL);
  await b.plane.pause(LOCAL_CALLER, asked(agent));
  await pass(30_000);
  for (const { plane } of [a, b])
    expect(plane.pauses().all()).toMatchObject([{ scope: agent, until: NEVER }]);
  expect((await memory.whole.boot()).pauses).toMatchObject([{ scope: agent, until: NEVER }]);
});

test("a poll that began before a pause was committed here does not undo it", async () => {
  const { a, pass } = await two();
  const w1 = a.worker("w1");
  for (let i = 0; i < 20; i += 1) {
    await a.plane.pause(LOCAL_CALLER, asked(agent));
    expect(a.plane.pauses().size).toBe(1);
    await pass(400 + i * 37, w1);
    expect(a.plane.pauses().size).toBe(1);
    await a.plane.resume(LOCAL_CALLER, agent);
    await pass(400 + i * 41, w1);
    expect(a.plane.pauses().size).toBe(0);
  }
});
