/** Decisions that write nothing: no commit finds out that they rest on a row which another node has moved. */
import { expect, test } from "vitest";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { begin, template } from "../kit/workflow-bench.js";
import { noNodes } from "./kit/nodes.js";

/** A node that is given no deadlines. */
const deaf = (store: Store): Store => ({ ...store, due: async () => [] });
const listed = template([
  { name: "list" },
  { name: "each", type: "map", dependencies: ["list"], map: { over: "results/list" } },
]);
const PAGES_MOST = 50;
const RETRY_AFTER = 10_000;
/** Until it may be assigned to the same worker again, and every claim has lapsed. */
const LONG = 60_000;

test("a step that another node has made ready again is assigned here, over whatever a cache remembers of it", async () => {
  const nodes = noNodes();
  const { settle, pass, show } = nodes;
  let pages = 0;
  const a = await nodes.start({
    through: (store) => ({
      ...deaf(store),
      // Whoever asks again and again at one instant gets no answer, or no time would go by.
      ready: (...args) => (++pages < PAGES_MOST ? store.ready(...args) : Promise.reject(new Error("enough"))),
    }),
  });
  await nodes.start();
  const worker = a.worker("w1", { capacity: 1 });
  await settle();
  const { task } = await a.create({ maxAttempts: 2 });
  await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(RETRY_AFTER) });
  await settle();
  expect(await show(task.id)).toContain("waiting_for_retry");
  await pass(LONG, worker);
  expect(await show(task.id)).toContain("attempts=2, run FAILED/AGENT_ERROR, run ASSIGNED");
});

test("a member that another node has made of a task of this one is assigned here", async () => {
  const nodes = noNodes();
  const { settle, pass, memory } = nodes;
  const a = await nodes.start();
  const b = await nodes.start();
  const there = b.worker("there", { capacity: 1 });
  await settle();
  // All of it that there is now is in the cache of the node that creates it.
  const { task } = await begin(a, listed);
  await pass(2 * limits.nodePoll, there);
  await there.report(there.assigned().runId, "COMPLETED", { output: "[1, 2]" });
  await settle();
  const here = a.worker("here", { capacity: 1 });
  await pass(2 * limits.nodePoll, there, here);
  const made = (await memory.whole.reads.task(task.id))?.runs.map(({ workerId }) => workerId);
  expect(made).toEqual(["there", "there", "here"]);
});
