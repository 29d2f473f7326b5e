import { expect, test } from "vitest";
import type { LogEntry } from "#domain/task/log";
import type { ModelBackend } from "#domain/task/run";
import type { Labels } from "#domain/text/labels";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { loadedOf, nothingFound } from "#stores/shared/load-result";
import { TaskCache } from "#stores/shared/task-cache";
import { commit, run, runId, step, stepSpec, task, taskId } from "#testing/rows";

const LONG = "x".repeat(256);
const metadata = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`${i}`.padEnd(256, "n"), LONG]));
const backend: ModelBackend = {
  provider: "local",
  modelName: "small",
  contextWindow: 0,
  supportsStreaming: false,
  modalities: Array(64).fill(LONG),
  tools: Array(64).fill(LONG),
  metadata,
};

/** By default with some 32 KiB of metadata. */
function event(id: number, said: Labels = metadata): LogEntry {
  return {
    type: "event",
    at: instant(1),
    id: `e-${id}`,
    runId: runId(1),
    kind: 3,
    sentAt: 0,
    metadata: said,
  };
}

const events = (count: number) => Array.from({ length: count }, (_, i) => event(i));

/** How many of a thousand Tasks, each remembered with these, still are in the end. */
function remembered(each: (number: number) => Partial<Parameters<typeof commit>[0]>): number {
  const hot = new TaskCache();
  const ids = Array.from({ length: 1_000 }, (_, i) => taskId(i));
  for (const [i, id] of ids.entries()) {
    const { tasks = [task(id)], ...rest } = each(i);
    hot.remember(commit({ tasks, ...rest }), { firstSeqs: [1] });
  }
  return ids.filter((id) => hot.detail(id) !== undefined || hot.lastSeq(id) !== undefined).length;
}

test.each<[string, (number: number) => Partial<Parameters<typeof commit>[0]>]>([
  ["events' metadata", (i) => ({ log: [{ taskId: taskId(i), entries: events(7) }] })],
  [
    "runs' models",
    (i) => ({
      inputs: [{ taskId: taskId(i), json: "{}" }],
      runs: Array.from({ length: 4 }, (_, n) => run(runId(i * 4 + n), taskId(i), { backend })),
    }),
  ],
  [
    "tasks' labels and errors",
    (i) => {
      const row = task(taskId(i), { errorMessage: "x".repeat(256 * 1024) });
      return {
        tasks: [{ ...row, spec: { ...row.spec, labels: metadata } }],
        inputs: [{ taskId: row.id, json: "{}" }],
      };
    },
  ],
  [
    "steps' specs, names and inputs",
    (i) => ({
      inputs: [{ taskId: taskId(i), json: "{}" }],
      steps: [
        step(taskId(i), { spec: stepSpec({ config: { text: "x".repeat(32 * 1024) } }) }),
        step(taskId(i), {
          name: "join",
          dependsOn: Array(500).fill("step"),
          dependants: Array(500).fill("step"),
        }),
      ],
      stepInputs: [{ taskId: taskId(i), stepName: "main", json: "x".repeat(64 * 1024) }],
    }),
  ],
])("%s count towards what is remembered", (_, each) => {
  const count = remembered(each);

  expect(count).toBeGreaterThan(100);
  expect(count).toBeLessThan(400);
});

test("a read of the log takes no more than it asked for, metadata included", () => {
  const hot = new TaskCache();
  const log = [{ taskId: taskId(1), entries: events(100) }];
  hot.remember(commit({ tasks: [task(taskId(1))], log }), { firstSeqs: [1] });

  expect(hot.log(taskId(1), 0, 64 * 1024)?.entries).toHaveLength(2);
});

/** A cache that knows one Task with one Step from its beginning. */
function knowing(shared: boolean): TaskCache {
  const cache = new TaskCache(shared);
  const row = { ...task(taskId(1)), revision: 1 };
  cache.remember(commit({ tasks: [row], steps: [step(taskId(1), { name: "first" })] }), { firstSeqs: [] });
  return cache;
}

test("what a Task does not have here is nowhere, unless other processes may have made it", () => {
  const made = { taskId: taskId(1), stepName: "later" };
  expect(knowing(false).findKeyed("steps", made, nothingFound())).toBe(true);
  expect(knowing(true).findKeyed("steps", made, nothingFound())).toBe(false);
  expect(knowing(false).findText("stepInputs", made, nothingFound())).toBe(true);
  expect(knowing(true).findText("stepInputs", made, nothingFound())).toBe(false);
});

test("a Task of which something was loaded that it lacks is not known as a whole any more", () => {
  const cache = knowing(true);
  expect(cache.findGraph(taskId(1), nothingFound())).toBe(true);
  cache.forgetOlder(
    loadedOf({ ...nothingFound(), steps: new Map([["1", step(taskId(1), { name: "first" })]]) }),
  );
  expect(cache.findGraph(taskId(1), nothingFound())).toBe(true);
  cache.forgetOlder(
    loadedOf({ ...nothingFound(), steps: new Map([["1", step(taskId(1), { name: "later" })]]) }),
  );
  expect(cache.findGraph(taskId(1), nothingFound())).toBe(false);
});

/** Whether a cache still has the last two entries of a log that got this many, one with each commit. */
function keepsEnd(count: number, isRead: boolean): boolean {
  const cache = new TaskCache();
  const id = taskId(1);
  cache.remember(commit({ tasks: [task(id)] }), { firstSeqs: [] });
  for (let i = 0; i < count; i += 1) {
    cache.remember(commit({ log: [{ taskId: id, entries: [event(i, {})] }] }), { firstSeqs: [i + 1] });
    if (isRead) cache.log(id, i, 1_024);
  }
  return cache.log(id, count - 2, 1_024) !== undefined;
}

test("of a long log that nobody has read only the end is kept; of one that is read, more", () => {
  const { unreadLogEntries: few } = limits;
  expect(keepsEnd(few, false)).toBe(true);
  expect(keepsEnd(few + 1, false)).toBe(false);
  expect(keepsEnd(few + 1, true)).toBe(true);
});

test("records of a journal are asked of the store", () => {
  const cache = knowing(false);
  const record = { taskId: taskId(1), stepName: "first/00000000", json: "{}" };
  cache.remember(commit({ journal: [record] }), { firstSeqs: [] });
  expect(cache.findText("journal", record, nothingFound())).toBe(false);
});
