import { expect, onTestFinished, test } from "vitest";
import { startTaskRun } from "#embedded/index";
import { limits } from "#limits/index";
import { agent } from "#worker/index";

async function planeWith(log: unknown[] = []) {
  const keep = (message: string, fields?: object) => log.push({ message, ...fields });
  const taskrun = await startTaskRun({
    store: "memory",
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: keep },
    agents: [
      agent({
        name: "fails",
        run(input) {
          const { message = "boom" } = input as { message?: string };
          throw new Error(message, { cause: new TypeError("the root") });
        },
      }),
      agent({ name: "works", run: async () => 1 }),
    ],
  });
  onTestFinished(() => taskrun.stop());
  return taskrun;
}

test("the stack of what an agent threw is kept with its Run, and shown where one Task is asked for", async () => {
  const log: { message?: string; stack?: string }[] = [];
  const { client } = await planeWith(log);
  const { id } = await client.tasks.create({ agent: "fails", input: {}, maxAttempts: 1 });
  const events = [];
  for await (const event of client.tasks.watch(id)) events.push(event);

  const { runs } = await client.tasks.get(id);
  expect(runs.map(({ errorMessage }) => errorMessage)).toEqual(["Error: boom"]);
  expect(runs[0]?.errorDetail).toMatch(
    /^Error: boom\n +at .*error-detail\.test\.ts:\d+[\s\S]*caused by: TypeError: the root\n/,
  );
  expect(JSON.stringify(events)).not.toContain("the root");
  for await (const task of client.tasks.list({})) expect(JSON.stringify(task)).not.toContain("the root");

  const [said] = log.filter(({ message }) => message === "an agent failed");
  expect(said).toMatchObject({ agent: "fails", taskId: id, attempt: 1, error: "Error: boom" });
  expect(said?.stack).toBe(runs[0]?.errorDetail);
});

test("stacks take the room that the rest of a Task leaves, and messages come first", async () => {
  const { client } = await planeWith();
  const message = "m".repeat(limits.errorMessageBytes);
  const { id } = await client.tasks.create({ agent: "fails", input: { message }, maxAttempts: 1 });
  await client.tasks.wait(id);

  const { runs } = await client.tasks.get(id);
  expect(runs.every(({ errorDetail }) => errorDetail.includes("error-detail.test.ts"))).toBe(true);
});

test("what has not failed has none", async () => {
  const { client } = await planeWith();
  const { id } = await client.tasks.create({ agent: "works", input: {} });
  await client.tasks.wait(id);
  expect((await client.tasks.get(id)).runs.map(({ errorDetail }) => errorDetail)).toEqual([""]);
});
