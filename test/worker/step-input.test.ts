import { expect, test } from "vitest";
import { z } from "zod";
import { agent } from "#worker/agent/agent";
import { StepInput } from "#worker/agent/step-input";
import { rehearsal } from "./kit/workbench.js";

function given(input: unknown): StepInput {
  return new StepInput(JSON.stringify(input));
}

const batch = {
  batch_id: "001",
  start_cursor: 200,
  end_cursor: 400,
  batch_size: 200,
  cursor_field: "id",
  total_items: 1000,
  failure_strategy: "isolate",
  is_no_op: false,
};

test("the parts of a step's input are read out of it", () => {
  const undo = { task_id: "t0", step: "charge", result: { id: 7 }, error: "no stock" };
  const parts = given({
    config: { rate: 2 },
    item: { url: "x" },
    index: 3,
    batch,
    checkpoint: { cursor: 5, output: null },
    compensate: undo,
  });

  expect(parts.config).toEqual({ rate: 2 });
  expect([parts.item, parts.index]).toEqual([{ url: "x" }, 3]);
  expect(parts.checkpoint).toEqual({ cursor: 5, output: null });
  expect(parts.compensate).toEqual({ taskId: "t0", step: "charge", result: { id: 7 }, error: "no stock" });
  expect(parts.batch).toEqual({
    batchId: "001",
    startCursor: 200,
    endCursor: 400,
    batchSize: 200,
    cursorField: "id",
    totalItems: 1000,
    failureStrategy: "isolate",
    isNoOp: false,
  });
});

test("a batch that says no numbers, and cursors of any kind, is a batch all the same", () => {
  const loose = { ...batch, start_cursor: null, end_cursor: ["m"], batch_size: null, total_items: "many" };

  expect(given({ batch: loose }).batch).toMatchObject({
    startCursor: null,
    endCursor: ["m"],
    batchSize: undefined,
    totalItems: undefined,
  });
});

test.each([
  ["nothing", "{}"],
  ["a list", "[1]"],
  ["what is no JSON", "{"],
  ["a client's own words", '{"config":1,"index":"a","batch":"b","checkpoint":"c","compensate":[]}'],
])("an input of %s has no parts", (_, json) => {
  const { config, item, index, batch, checkpoint, compensate } = new StepInput(json);

  expect([config, item, index, batch, checkpoint, compensate]).toEqual(Array(6).fill(undefined));
});

test("the agent's own schema sees the parts by their names in JSON", async () => {
  const sum = agent({
    name: "sum",
    input: z.object({ rows: z.array(z.number()), batch: z.object({ start_cursor: z.number() }) }),
    run: async ({ rows, batch: { start_cursor } }, ctx) => [rows[start_cursor], ctx.batch?.batchId],
  });

  const { result } = rehearsal(sum, { rows: [1, 2], batch: { ...batch, start_cursor: 1 } });

  expect(await result).toEqual([2, "001"]);
});
