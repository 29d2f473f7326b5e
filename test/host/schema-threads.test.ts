import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SchemaThreads } from "#host/schemas/threads";
import { limits } from "#limits/index";
import { type FakeThread, fakeThreads, fits } from "./fake-threads.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const question = (digest: string, json = "1") => ({ digest, schema: "{}", json });
/** A moment more: what is late is called so once the event loop has come round. */
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms + 5);
const first = (all: readonly FakeThread[]) =>
  all.filter(({ milliseconds }) => milliseconds === limits.schemaCheck);
const second = (all: readonly FakeThread[]) =>
  all.filter(({ milliseconds }) => milliseconds > limits.schemaCheck);
const tooLong = { type: "limit", text: `the check takes longer than ${limits.schemaCheckAlone} ms` };

/** Verdicts as they come, by the schema they are by. */
function heard() {
  const told: string[] = [];
  const listen = (name: string, promise: Promise<{ type: string }>) =>
    void promise.then(
      ({ type }) => told.push(`${name} ${type}`),
      ({ reason }) => told.push(`${name} ${reason}`),
    );
  return { told, listen };
}

test("threads begin when they are needed, and end when they are not", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  await pass(60_000);
  expect(all).toEqual([]);

  const verdict = threads.judge(question("a"));
  await pass(0);
  const [thread] = all as [FakeThread];
  thread.listener.answered(fits(thread));
  expect(await verdict).toEqual({ type: "fits" });
  expect(thread).toMatchObject({ keptAlive: false, ended: false });
  await pass(30_000);
  expect(thread.ended).toBe(true);
  await threads.close();
});

test("what takes too long is tried once more, alone, and delays no other", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  const { told, listen } = heard();
  listen("slow", threads.judge(question("slow")));
  listen("good", threads.judge(question("good")));
  await pass(limits.schemaCheck);
  expect(first(all).map(({ ended }) => ended)).toEqual([true, false]);
  const [, fresh] = first(all) as [FakeThread, FakeThread];
  expect(fresh.asked).toMatchObject([{ digest: "good" }]);
  expect(second(all)[0]?.asked).toMatchObject([{ digest: "slow" }]);
  fresh.listener.answered(fits(fresh));
  await pass(0);
  expect(told).toEqual(["good fits"]);

  // Another by the same schema goes where the first one is, and others go on without it.
  listen("slow too", threads.judge(question("slow", "2")));
  listen("good too", threads.judge(question("good", "2")));
  await pass(0);
  fresh.listener.answered(fits(fresh));
  await pass(limits.schemaCheckAlone - 50);
  expect(told).toEqual(["good fits", "good too fits"]);
  await pass(50);
  expect(told).toEqual(["good fits", "good too fits", "slow limit"]);
  const last = second(all).at(-1) as FakeThread;
  last.listener.answered(fits(last));
  await pass(0);
  expect(told.at(-1)).toBe("slow too fits");
  await threads.close();
});

test("what takes too much memory is tried once more too", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  const verdict = threads.judge(question("large"));
  await pass(0);
  all[0]?.listener.broke({ type: "memory" });
  await pass(0);
  all[1]?.listener.broke({ type: "memory" });
  expect(await verdict).toEqual({ type: "limit", text: "the check takes more than 256 MiB of memory" });
  await threads.close();
});

test("a problem that was found counts, though looking for others takes too long", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  const verdict = threads.judge(question("a"));
  await pass(0);
  const misfit = { type: "misfit", text: "no" } as const;
  all[0]?.listener.answered({ digest: "a", verdict: misfit, last: false });
  await pass(limits.schemaCheck);
  expect(await verdict).toEqual(misfit);
  await threads.close();
});

test("schemas take turns, however much is asked of one", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  for (let i = 0; i < 10; i += 1) void threads.judge(question("many", String(i)));
  void threads.judge(question("one"));
  await pass(0);
  const [thread] = all as [FakeThread];
  for (let i = 0; i < 3; i += 1) {
    thread.listener.answered(fits(thread));
    await pass(0);
  }
  expect(thread.asked.map(({ digest }) => digest)).toEqual(["many", "many", "one", "many"]);
});

test("a schema that finds no verdict again and again gets none for a minute, and then another chance", async () => {
  const { all, start } = fakeThreads();
  const threads = new SchemaThreads(start);
  const { told, listen } = heard();
  for (let i = 0; i < 100; i += 1) listen(String(i), threads.judge(question("slow", String(i))));
  await pass(limits.schemaCheck + 3 * limits.schemaCheckAlone + 50);
  expect(told).toHaveLength(100);
  expect(new Set(told.map((one) => one.split(" ")[1]))).toEqual(new Set(["limit"]));
  expect(await threads.judge(question("slow"))).toEqual(tooLong);
  const begun = all.length;
  await pass(60_000);
  listen("again", threads.judge(question("slow")));
  await pass(0);
  expect(all.length).toBe(begun + 1);
  const last = all.at(-1) as FakeThread;
  last.listener.answered(fits(last));
  await pass(0);
  expect(told.at(-1)).toBe("again fits");
  await threads.close();
});

describe("bounds", () => {
  test("what finds no room is refused, and room comes back", async () => {
    const { all, start } = fakeThreads();
    const threads = new SchemaThreads(start);
    const { told, listen } = heard();
    for (let i = 0; i < limits.schemaChecks; i += 1) listen("", threads.judge(question(String(i))));
    await expect(threads.judge(question("more"))).rejects.toMatchObject({
      code: "overloaded",
      reason: "SCHEMA_CHECKS_FULL",
      details: { retryAfter: 1_000 },
    });
    await pass(0);
    all[0]?.listener.answered(fits(all[0]));
    await pass(0);
    expect(told).toEqual([" fits"]);
    listen("more", threads.judge(question("more")));
    await threads.close();
    await pass(0);
    expect(told).toHaveLength(limits.schemaChecks + 1);
    expect(told.at(-1)).toBe("more UNAVAILABLE");
  });

  test("bytes count as well as numbers, and one is always taken", async () => {
    const threads = new SchemaThreads(fakeThreads().start);
    const large = "x".repeat(limits.schemaChecksBytes + 1);
    threads.judge(question("a", large)).catch(() => {});
    await expect(threads.judge(question("b"))).rejects.toMatchObject({ reason: "SCHEMA_CHECKS_FULL" });
    await threads.close();
  });

  test("a schema over the limit is not looked at", async () => {
    const { all, start } = fakeThreads();
    const schema = "x".repeat(limits.schemaBytes + 1);
    const verdict = await new SchemaThreads(start).judge({ digest: "a", schema, json: "1" });
    expect(verdict).toMatchObject({ type: "limit", text: expect.stringContaining("at most 262144 bytes") });
    expect(all).toEqual([]);
  });

  test("where no thread can be run, who asks is told so, and may ask again", async () => {
    let broken = true;
    const { all, start } = fakeThreads();
    const threads = new SchemaThreads((allowance, listener) => {
      if (broken) throw new Error("no room for a thread");
      return start(allowance, listener);
    });
    const refused = expect(threads.judge(question("a"))).rejects.toMatchObject({ code: "unavailable" });
    await pass(10);
    await refused;
    broken = false;
    const verdict = threads.judge(question("a"));
    await pass(10);
    all[0]?.listener.answered(fits(all[0]));
    expect(await verdict).toEqual({ type: "fits" });
    await threads.close();
  });

  test("one that never says it is ready is given up", async () => {
    const silent = { ask: () => {}, keepAlive: () => {}, end: async () => {} };
    const threads = new SchemaThreads(() => silent);
    const refused = expect(threads.judge(question("a"))).rejects.toMatchObject({ code: "unavailable" });
    await pass(61_000);
    await refused;
  });
});
