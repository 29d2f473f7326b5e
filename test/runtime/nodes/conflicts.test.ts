import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { Commit } from "#ports/store";
import { draftOf } from "../kit/bench-plane.js";
import { noNodes, refusalOf } from "./kit/nodes.js";

/** Two nodes. `meanwhile` is called, once, before the commit of the first one that creates or changes this many Tasks. */
async function twoNodes() {
  const nodes = noNodes();
  const tried: Commit[] = [];
  let trap: { readonly tasks: number; readonly spring: () => Promise<unknown> } | undefined;
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      commit: async (turn) => {
        tried.push(turn);
        const sprung = trap && turn.tasks.length >= trap.tasks ? trap : undefined;
        if (sprung) trap = undefined;
        await sprung?.spring();
        return store.commit(turn);
      },
    }),
  });
  const b = await nodes.start();
  const meanwhile = (tasks: number, spring: () => Promise<unknown>) => {
    trap = { tasks, spring };
  };
  return { ...nodes, a, b, tried, meanwhile };
}

test("a conflict decides again what read the row that moved, and nothing else", async () => {
  const { a, b, tried, meanwhile, settle } = await twoNodes();
  const { task } = await a.create();
  // One turn is under way, so that all that is asked meanwhile comes into the next one.
  let asked: Promise<unknown>[] = [];
  let cancelled: Promise<Fault> | undefined;
  meanwhile(1, async () => {
    const others = Array.from({ length: 50 }, () => a.create());
    cancelled = refusalOf(a.cancel(task.id));
    asked = [...others, ...Array.from({ length: 50 }, () => a.create())];
    await settle();
    meanwhile(101, () => b.cancel(task.id, "first"));
  });
  await a.create();
  tried.length = 0;
  await settle();

  expect(await Promise.all(asked)).toHaveLength(100);
  expect(await cancelled).toMatchObject({ code: "wrong_state" });
  expect(await a.show(task.id)).toContain("cancelled");
  expect(tried.map(({ tasks }) => tasks.length)).toEqual([101, 100]);
});

test("what a conflict decided again is answered as of the moment of its commit", async () => {
  const { a, b, meanwhile } = await twoNodes();
  const spec = { idempotencyKey: "k" };
  const other = draftOf("0000000f-4240-7001-b6d0-000000000001" as TaskId, {});
  const { task } = await a.create(spec);
  const known = draftOf("0000000f-4240-7001-b6d0-000000000002" as TaskId, spec);
  // The first draft writes; the other one only looks at the Task that owns the key, which moves before the commit.
  meanwhile(1, () => b.cancel(task.id, "meanwhile"));
  const [created, again] = await a.plane.submit(LOCAL_CALLER, [other, known]);
  expect(created).toMatchObject({ task: { id: other.id } });
  expect(again).toMatchObject({ task: { id: task.id, state: "cancelled" } });
});
