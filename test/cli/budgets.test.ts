import { afterAll, beforeAll, expect, test } from "vitest";
import { aTask, type FakePlane, fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

let plane: FakePlane;
let heard: unknown;
beforeAll(async () => {
  plane = await fakePlane({
    createTask({ budget }) {
      heard = budget && [budget.tokens, budget.usdMicros, budget.toolCalls, budget.wallMs].map(Number);
      return aTask({ id: "t-12345678" });
    },
    topUpTask({ id, add, reason, requestId }) {
      heard = [id, Number(add?.tokens), Number(add?.usdMicros), Number(add?.wallMs), reason, requestId];
      return aTask({ id, status: 2 });
    },
  });
});
afterAll(() => plane[Symbol.asyncDispose]());

const ID = "0190c000-0000-7000-8000-000000000000";
const run = (words: string) => taskrun([...words.split(" "), "--addr", plane.addr], {});

test("create takes a budget, and refuses one that is none before anything is sent", async () => {
  await run("task create --agent a --budget tokens=1.5M,usd=2.50,wall=2h");
  expect(heard).toEqual([1_500_000, 2_500_000, 0, 7_200_000]);
  heard = undefined;
  const { code, stderr } = await run("task create --agent a --budget token=5");
  expect([code, heard]).toEqual([2, undefined]);
  expect(stderr).toContain("write bounds as tokens=1M");
});

test("topup adds what is named, and says how the task is", async () => {
  const { code, stdout } = await run(
    `task topup ${ID} --tokens 500k --usd 2 --wall 30m --reason enough --request-id r1`,
  );
  expect([code, stdout]).toEqual([0, `${ID} RUNNING\n`]);
  expect(heard).toEqual([ID, 500_000, 2_000_000, 1_800_000, "enough", "r1"]);
});

test("topup without anything to add is wrong use, and says what there is", async () => {
  const { code, stderr } = await run(`task topup ${ID}`);
  expect(code).toBe(2);
  expect(stderr).toContain("--tokens N, --usd D, --tool-calls N or --wall DURATION");
});
