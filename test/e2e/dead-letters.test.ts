/**
 * A poison input ends every worker that is given it: 1 + max_losses workers and never one more. It has one dead letter, and a redrive
 * gives it to as many again. The server kills itself right before, and right after, each commit that writes a dead letter, and right
 * after one that assigns: a Run that was never sent is the only thing that can make them fewer.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DeadLetter, TaskRunClient } from "#client/index";
import { Stage, until } from "./kit/harness.js";
import { MortalServer } from "./kit/mortal-server.js";

const agents = fileURLToPath(new URL("./fixtures/poison-agent.mjs", import.meta.url));
const MAX_LOSSES = 1;

const stage = new Stage();
const trace = join(stage.dir, "poison.jsonl");
let server: MortalServer;
let client: TaskRunClient;
let isOver = false;
let workers: Promise<void>;

beforeAll(async () => {
  server = await MortalServer.start(stage.dir, "letters-server.mjs");
  client = stage.client(server.addr);
  workers = keepWorkers();
});
afterAll(async () => {
  isOver = true;
  await server.stop();
  await stage.end();
  await workers;
});

/** A worker, and another one whenever it has died: as a supervisor keeps them. */
async function keepWorkers(): Promise<void> {
  for (let count = 0; !isOver; count += 1) {
    const flags = ["--addr", server.addr, "--id", `w${count}`, "--module", agents];
    const worker = stage.run(["worker", ...flags], { E2E_TRACE: trace });
    await worker.ended;
  }
}

/** How often workers were given a Run of the Task, as they have written it down. */
function assigned(taskId: string): number {
  if (!existsSync(trace)) return 0;
  const lines = readFileSync(trace, "utf8").split("\n").filter(Boolean);
  return lines.filter((line) => JSON.parse(line).taskId === taskId).length;
}

/** The server kills itself at the next commit that writes a dead letter, or after the next one that assigns a Run. */
function killAt(when: "before" | "after" | "assigned" | "never"): void {
  if (when !== "never") writeFileSync(`${server.file}.kill`, when);
}

/**
 * The dead letter of a Task that has failed.
 *
 * @param unsent how many of its Runs may not have reached their worker: the server died between the commit that assigned it and
 * the sending. Such a Run is lost too, if its worker does not come back in time.
 */
async function poisoned(taskId: string, unsent = 0): Promise<DeadLetter> {
  const letter = await until("the task has a dead letter", () => client.deadLetters.get(taskId));
  expect(letter).toMatchObject({
    reason: "POISONED",
    status: "PENDING",
    snapshot: { stepName: "main", attempts: 0, losses: MAX_LOSSES + 1, maxLosses: MAX_LOSSES },
  });
  const { runs } = await client.tasks.get(taskId);
  expect(runs.filter(({ reason }) => reason === "WORKER_LOST")).toHaveLength(MAX_LOSSES + 1);
  // A Run that its worker has come back without, and had not begun, costs nothing.
  const free = runs.filter(({ reason }) => reason !== "WORKER_LOST");
  expect(free.every(({ errorMessage }) => errorMessage === "the assignment did not reach the worker")).toBe(
    true,
  );
  expect(free.length).toBeLessThanOrEqual(unsent);
  expect(assigned(taskId)).toBeLessThanOrEqual(MAX_LOSSES + 1);
  expect(assigned(taskId)).toBeGreaterThanOrEqual(MAX_LOSSES + 1 - unsent);
  return letter;
}

async function allLetters(): Promise<string[]> {
  const ids: string[] = [];
  for await (const { taskId } of client.deadLetters.list()) ids.push(taskId);
  return ids;
}

async function redrivesOf(taskId: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id, retryOf } of client.tasks.list()) if (retryOf === taskId) ids.push(id);
  return ids;
}

test.each([
  ["never", "never", "never"],
  ["before", "after", "before"],
  ["after", "before", "after"],
] as const)(
  "a poison input reaches 1 + max_losses workers, and as many again by a redrive (killed %s, %s, %s)",
  { timeout: 300_000 },
  async (atEntry, atRedrive, atSecond) => {
    const deaths = server.deaths;
    killAt(atEntry);
    const { id } = await until("the task is created", () =>
      client.tasks.create({ agent: "poison", input: {}, maxLosses: MAX_LOSSES }),
    );
    const first = await poisoned(id);

    killAt(atRedrive);
    const { id: again } = await until("it is redriven", () => client.deadLetters.redrive(id));
    expect((await client.deadLetters.redrive(id)).id).toBe(again);
    expect(await redrivesOf(id)).toEqual([again]);
    expect(await client.deadLetters.get(id)).toMatchObject({
      status: "MANUALLY_RESOLVED",
      redrivenAs: again,
      createdAtMs: first.createdAtMs,
    });

    killAt(atSecond);
    await poisoned(again, atRedrive === "after" ? 1 : 0);
    expect((await allLetters()).filter((each) => each === id || each === again).toSorted()).toEqual(
      [id, again].toSorted(),
    );
    expect(assigned(id)).toBe(MAX_LOSSES + 1);
    expect(server.deaths - deaths).toBe(
      [atEntry, atRedrive, atSecond].filter((each) => each !== "never").length,
    );
  },
);

test("of a poison input one Run of which is assigned and never sent, no more than 1 + max_losses reach workers", {
  timeout: 300_000,
}, async () => {
  const deaths = server.deaths;
  killAt("assigned");
  const { id } = await until("the task is created", () =>
    client.tasks.create({ agent: "poison", input: {}, maxLosses: MAX_LOSSES, idempotencyKey: "unsent" }),
  );
  await poisoned(id, 1);
  expect(server.deaths - deaths).toBe(1);
  expect((await allLetters()).filter((each) => each === id)).toEqual([id]);
});
