import fc from "fast-check";
import { expect, test } from "vitest";
import { aggregateBatches } from "#worker/agent/aggregate";
import { createBatches, noBatches, splitIntoBatches } from "#worker/agent/batches";
import { createSteps, noBranches } from "#worker/agent/decisions";
import { resultsFor } from "#worker/agent/results";
import { assignment, fetchFrom } from "./kit/workbench.js";

test("a decision says which steps go on, or that none does", () => {
  expect(createSteps(["refund", "notify"])).toEqual({
    decision_point_outcome: { type: "create_steps", step_names: ["refund", "notify"] },
  });
  expect(noBranches()).toEqual({ decision_point_outcome: { type: "no_branches" } });
  expect(() => createSteps([])).toThrow("for none there is noBranches()");
});

test("batches are said with their cursors, and none at all is the same as noBatches", () => {
  const batches = splitIntoBatches(5, 2);

  expect(createBatches({ workerTemplate: "sum", batches, totalItems: 5 })).toEqual({
    batch_processing_outcome: {
      type: "create_batches",
      worker_template_name: "sum",
      worker_count: 3,
      cursor_configs: [
        { batch_id: "000", start_cursor: 0, end_cursor: 2, batch_size: 2 },
        { batch_id: "001", start_cursor: 2, end_cursor: 4, batch_size: 2 },
        { batch_id: "002", start_cursor: 4, end_cursor: 5, batch_size: 1 },
      ],
      total_items: 5,
    },
  });
  expect(createBatches({ workerTemplate: "sum", batches: [], totalItems: 0 })).toEqual(noBatches());
});

test("items are split without gap or overlap, in the order of their ids", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5_000 }),
      fc.integer({ min: 5, max: 6_000 }),
      (totalItems, batchSize) => {
        const batches = splitIntoBatches(totalItems, batchSize);

        const ids = batches.map(({ batchId }) => batchId);
        expect(ids).toEqual([...ids].sort());
        let next = 0;
        for (const batch of batches) {
          expect(batch.startCursor).toBe(next);
          expect(batch.endCursor - batch.startCursor).toBe(batch.batchSize);
          expect(batch.batchSize).toBeGreaterThan(0);
          expect(batch.batchSize).toBeLessThanOrEqual(batchSize);
          next = batch.endCursor;
        }
        expect(next).toBe(totalItems);
      },
    ),
  );
});

const one = { batchId: "a", startCursor: 0, endCursor: 1, batchSize: 1 };

test.each([
  [() => splitIntoBatches(10_001, 10), "1001 batches are too many: a task has at most 1000 steps"],
  [() => splitIntoBatches(10, 0), "batchSize is 0"],
  [() => splitIntoBatches(0.5, 1), "totalItems is 0.5"],
  [
    () => createBatches({ workerTemplate: "w", batches: [one, one], totalItems: 2 }),
    'batchId "a" comes twice',
  ],
  [
    () => createBatches({ workerTemplate: "w", batches: [{ ...one, batchId: "a/b" }], totalItems: 1 }),
    'batchId "a/b" is not 1 to 64 letters',
  ],
])("%o is refused for good: %s", (make, message) => {
  expect(make).toThrow(
    expect.objectContaining({ message: expect.stringContaining(message), retryable: false }),
  );
});

/** What a step that joins three batches is given. */
function joining(results: Readonly<Record<string, unknown>>, failedDependencies: readonly string[] = []) {
  const made = createBatches({ workerTemplate: "w", batches: splitIntoBatches(30, 10), totalItems: 30 });
  const [first, ...refs] = Object.keys(results);
  const text = Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const inline = first === undefined ? {} : { [first]: text[first] ?? "" };
  const told = assignment({ results: inline, resultRefs: refs, failedDependencies });
  return resultsFor(told, fetchFrom({ ...text, split: JSON.stringify({ ...made, more: "words" }) }));
}

test("what the workers of a batch have done is added up, with the first errors", async () => {
  const ctx = joining({
    w_000: { items_processed: 10, items_succeeded: 8, items_failed: 2, errors: ["e1", { row: 4 }] },
    w_001: { items_processed: 10, items_succeeded: 9, items_skipped: 1, errors: ["x".repeat(5_000)] },
    w_002: { items_processed: 10, items_succeeded: 1, errors: Array(20).fill("e") },
  });

  const totals = await aggregateBatches(ctx, "split");

  const { errors, ...sums } = totals;
  expect(sums).toEqual({
    scenario: "WithBatches",
    batch_count: 3,
    failed_batches: [],
    total_items: 30,
    items_processed: 30,
    items_succeeded: 18,
    items_failed: 2,
    items_skipped: 1,
  });
  expect(errors).toHaveLength(10);
  expect(errors.slice(0, 2)).toEqual([
    { step: "w_000", error: "e1" },
    { step: "w_000", error: '{"row":4}' },
  ]);
  expect(errors[2]).toEqual({ step: "w_001", error: "x".repeat(1_024) });
});

test("workers that failed are named, and one without numbers counts as a batch", async () => {
  const ctx = joining({ w_001: { items_processed: "ten" } }, ["w_000"]);

  expect(await aggregateBatches(ctx, "split")).toMatchObject({
    batch_count: 2,
    failed_batches: ["w_000"],
    items_processed: 0,
  });
});

test("a batch without items gives sums of nothing", async () => {
  const text = JSON.stringify(noBatches());
  const ctx = resultsFor(assignment({ results: { w_000: "{}" } }), fetchFrom({ split: text }));

  expect(await aggregateBatches(ctx, "split")).toMatchObject({
    scenario: "NoBatches",
    batch_count: 0,
    items_processed: 0,
    errors: [],
  });
});

test("a join that was given none of the workers' results says so", async () => {
  await expect(aggregateBatches(joining({}), "split")).rejects.toThrow(
    /no worker that "split" has made, for example w_000, comes with a result/,
  );
});

test("a step that made no batches cannot be added up", async () => {
  const ctx = resultsFor(assignment(), fetchFrom({ split: '{"rows":3}' }));

  await expect(aggregateBatches(ctx, "split")).rejects.toThrow(/"split" is not what this agent needs/);
});
