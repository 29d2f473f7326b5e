import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FrameQueue } from "#gateway/traffic/frame-queue";
import { StallWatch } from "#gateway/traffic/stall";
import { limits } from "#limits/index";

function queueOf(part: { count?: number; bytes?: number; lowBytes?: number } = {}) {
  const heard: string[] = [];
  const queue = new FrameQueue<string>({
    count: 10,
    bytes: 100,
    lowBytes: 20,
    ...part,
    sizeOf: ({ length }) => length,
    overflow: () => heard.push("overflow"),
    drained: () => heard.push("drained"),
  });
  return { queue, heard, reader: queue[Symbol.asyncIterator]() };
}

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

test("a frame waits until the reader asks for the next one", async () => {
  const { queue, heard, reader } = queueOf();
  queue.push("x".repeat(30));
  queue.push("y".repeat(10));
  expect((await reader.next()).value).toHaveLength(30);
  expect(queue.unsentBytes).toBe(40);
  await reader.next();
  expect([queue.unsentBytes, heard]).toEqual([10, ["drained"]]);
  const last = reader.next();
  await Promise.resolve();
  expect([queue.unsentBytes, heard]).toEqual([0, ["drained", "drained"]]);
  queue.end();
  expect((await last).done).toBe(true);
});

test("bytes that find no room end the queue, as too many frames do; one frame alone always finds it", async () => {
  const alone = queueOf();
  alone.queue.push("x".repeat(1_000));
  expect(alone.heard).toEqual([]);
  expect((await alone.reader.next()).value).toHaveLength(1_000);

  const bytes = queueOf();
  bytes.queue.push("x".repeat(60));
  bytes.queue.push("x".repeat(41));
  expect([bytes.heard, bytes.queue.unsentBytes]).toEqual([["overflow"], 0]);
  expect((await bytes.reader.next()).done).toBe(true);

  const count = queueOf({ count: 2 });
  for (const text of ["a", "b", "c"]) count.queue.push(text);
  expect(count.heard).toEqual(["overflow"]);
});

test("what was abandoned is forgotten, and its reader hears why", async () => {
  const { queue, reader } = queueOf();
  queue.push("a");
  queue.push("b");
  await reader.next();
  queue.abandon(new Error("superseded"));
  expect(queue.unsentBytes).toBe(0);
  await expect(reader.next()).rejects.toThrow("superseded");
});

test("a queue that is never empty keeps nothing of what was read", async () => {
  const { queue, reader } = queueOf({ count: 10_000, bytes: 1_000_000 });
  queue.push("first");
  for (let i = 0; i < 5_000; i += 1) {
    queue.push(`frame ${i}`);
    await reader.next();
  }
  expect(queue.unsentBytes).toBe("frame 4998".length + "frame 4999".length);
  expect(queue.progress).toBe(4_999);
});

test("a reader that takes nothing for so long is found; one that takes something is not", async () => {
  const { queue, reader } = queueOf();
  const stalled = vi.fn();
  const stall = new StallWatch(queue, stalled);
  stall.arm();
  expect(vi.getTimerCount()).toBe(0);

  for (const text of ["a", "b", "c"]) queue.push(text);
  stall.arm();
  await reader.next();
  await reader.next();
  vi.advanceTimersByTime(limits.streamStall);
  expect(stalled).not.toHaveBeenCalled();
  vi.advanceTimersByTime(limits.streamStall);
  expect(stalled).toHaveBeenCalledOnce();

  await reader.next();
  void reader.next();
  await Promise.resolve();
  stall.arm();
  expect(vi.getTimerCount()).toBe(0);
});
