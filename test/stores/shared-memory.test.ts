import { expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { sharedMemory } from "#stores/memory/shared";
import { commit, task, taskId } from "#testing/rows";

const id = taskId(1);

function twoHandles() {
  const memory = sharedMemory(() => instant(7_000));
  return { memory, here: memory.open(), there: memory.open() };
}

test("what is committed through one handle is there for every other", async () => {
  const { memory, here, there } = twoHandles();
  await here.commit(commit({ tasks: [task(id)] }));
  for (const store of [here, there, memory.whole]) {
    expect((await store.load({ wholeTasks: [id] })).tasks).toEqual([task(id)]);
  }
  expect([here.shared, there.shared, memory.whole.shared]).toEqual([true, true, undefined]);
  await here.close();
  expect((await there.reads.task(id))?.task).toEqual(task(id));
});

test("a commit that is sent again is written once, and answered as at first", async () => {
  const { here, there } = twoHandles();
  const turn = commit({ tasks: [task(id)], log: [{ taskId: id, entries: [{ type: "output" } as never] }] });
  const first = await here.commit(turn);
  expect(await here.commit(turn)).toEqual(first);
  expect(await there.reads.logBounds(id)).toEqual({ earliest: 1, last: 1 });
});

test("a row that another handle has moved to its end is a conflict that names it", async () => {
  const { here, there } = twoHandles();
  await here.commit(commit({ tasks: [task(id)] }));
  await there.commit(commit({ tasks: [task(id, { revision: 2, state: "cancelled" })] }));
  const late = commit({ tasks: [task(id, { revision: 2, state: "steps_in_process" })] });
  await expect(here.commit(late)).rejects.toMatchObject({
    code: "conflict",
    moved: [{ kind: "tasks", id, revision: 1 }],
  });
});
