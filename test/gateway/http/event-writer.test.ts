import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { commentOf, EventWriter, frameOf } from "#gateway/http/event-writer";
import { limits } from "#limits/index";
import { EventReader } from "../kit/event-stream.js";

function read(text: string): EventReader {
  const reader = new EventReader();
  reader.push(text);
  return reader;
}

/** Texts full of what ends lines, or begins fields. */
const tricky = fc.string({
  unit: fc.constantFrom("\r", "\n", "\r\n", "\0", ":", " ", "data: ", "id: ", "event: ", "\u2028", "a", "ä"),
});

describe("a frame", () => {
  test("is read as one event, whatever is in its data", () => {
    fc.assert(
      fc.property(
        tricky,
        tricky,
        tricky.filter((data) => data !== ""),
        (id, event, data) => {
          const { events, retry } = read(frameOf({ id, event, data }));
          const expected = data.replace(/\r\n|\r/g, "\n");

          // An event whose data is nothing but one empty line is none to a browser.
          expect(events.map((each) => each.data)).toEqual(expected === "" ? [] : [expected]);
          expect(events[0]?.id ?? "").not.toMatch(/[\r\n\0]/);
          expect(retry).toBe(undefined);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("has no line that it was not given", () => {
    expect(frameOf({ id: "7", event: "output", data: '{"a":1}' })).toBe(
      'id: 7\nevent: output\ndata: {"a":1}\n\n',
    );
    expect(frameOf({ data: "x" })).toBe("data: x\n\n");
    expect(frameOf({ event: "a\r\ndata: b", data: "x" })).toBe("event: a data: b\ndata: x\n\n");
  });

  test("a comment stays one", () => {
    const { events, comments } = read(commentOf("gone\n\ndata: no\r\rdata: no\n\n"));

    expect(events).toEqual([]);
    expect(comments).toEqual(["gone data: no data: no"]);
  });
});

describe("a writer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A peer that takes what was written when it is told to. */
  function peer() {
    const written: string[] = [];
    let take = () => {};
    let slow = false;
    const write = async (chunk: Uint8Array): Promise<void> => {
      written.push(Buffer.from(chunk).toString());
      if (slow) await new Promise<void>((resolve) => (take = resolve));
    };
    const slowDown = () => {
      slow = true;
    };
    return { written, write, take: () => take(), slowDown };
  }

  test("says how soon to come back, then writes comments while nothing else is", async () => {
    const { written, write } = peer();
    const writer = new EventWriter({ write });
    await writer.begin();
    await vi.advanceTimersByTimeAsync(limits.eventsHeartbeat);
    expect(written).toEqual(["retry: 2000\n\n"]);

    await vi.advanceTimersByTimeAsync(2 * limits.eventsHeartbeat);
    expect(written.slice(1)).toEqual([":\n\n", ":\n\n"]);
    await writer.write([{ data: "x" }]);
    await vi.advanceTimersByTimeAsync(limits.eventsHeartbeat);
    expect(written.slice(3)).toEqual(["data: x\n\n"]);
    writer.stop();
    await vi.advanceTimersByTimeAsync(10 * limits.eventsHeartbeat);
    expect(written).toHaveLength(4);
  });

  test("piles nothing up before a reader that does not read", async () => {
    const { written, write, take, slowDown } = peer();
    const writer = new EventWriter({ write });
    await writer.begin();
    slowDown();
    const writing = writer.write([{ data: "large" }]);
    await vi.advanceTimersByTimeAsync(100 * limits.eventsHeartbeat);
    expect(written).toEqual(["retry: 2000\n\n", "data: large\n\n"]);

    take();
    await writing;
    await vi.advanceTimersByTimeAsync(2 * limits.eventsHeartbeat);
    expect(written.slice(2)).toEqual([":\n\n"]);
    const next = writer.write([{ data: "next" }]);
    await vi.advanceTimersByTimeAsync(0);
    expect(written).toHaveLength(3);
    take();
    await vi.advanceTimersByTimeAsync(0);
    take();
    await next;
    expect(written.slice(3)).toEqual(["data: next\n\n"]);
    writer.stop();
  });
});
