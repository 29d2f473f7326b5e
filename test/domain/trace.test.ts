import { describe, expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import {
  isSampled,
  ownTrace,
  readTraceparent,
  runSpanId,
  runTraceparent,
  stepSpanId,
  taskSpanId,
  writeTraceparent,
} from "#domain/task/trace";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const id = "01933a3e-7b1c-7c3e-9d52-0123456789ab" as TaskId;

describe("a traceparent", () => {
  test("is read and written", () => {
    const text = `00-${traceId}-${spanId}-01`;

    expect(readTraceparent(text)).toEqual({ traceId, spanId, flags: 1 });
    expect(writeTraceparent({ traceId, spanId, flags: 1 })).toBe(text);
  });

  test.each([
    ["is absent", undefined],
    ["is empty", ""],
    ["has a trace id of zeros", `00-${"0".repeat(32)}-${spanId}-01`],
    ["has a span id of zeros", `00-${traceId}-${"0".repeat(16)}-01`],
    ["is in upper case", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["is of the forbidden version", `ff-${traceId}-${spanId}-01`],
    ["has further fields in version 00", `00-${traceId}-${spanId}-01-more`],
    ["has a dash at its end", `00-${traceId}-${spanId}-01-`],
    ["is too short", `00-${traceId}-${spanId}-0`],
    ["has longer flags", `01-${traceId}-${spanId}-011`],
    ["has no hex digits", `00-${traceId}-${spanId}-zz`],
    ["is two", `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
    ["has spaces", ` 00-${traceId}-${spanId}-01`],
    ["has a line break", `00-${traceId}-${spanId}-01\n`],
  ])("that %s is ignored", (_, text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });

  test("of a later version is read as far as it is known", () => {
    expect(readTraceparent(`cc-${traceId}-${spanId}-01-what-comes-later`)).toEqual({
      traceId,
      spanId,
      flags: 1,
    });
  });

  test("keeps no flags that are not known", () => {
    const read = readTraceparent(`00-${traceId}-${spanId}-fe`);

    expect(read).toEqual({ traceId, spanId, flags: 2 });
    expect(read && isSampled(read)).toBe(false);
  });
});

describe("ids of spans", () => {
  test("are the same in every process and release", () => {
    expect([
      ownTrace(id).traceId,
      taskSpanId(id),
      stepSpanId({ taskId: id, stepName: "main" }),
      runSpanId(id as string as RunId),
    ]).toMatchInlineSnapshot(`
      [
        "01933a3e7b1c7c3e9d520123456789ab",
        "2e17c8848e11f067",
        "71a8d140877f54ee",
        "b1e79ab0b3d8d8f3",
      ]
    `);
  });

  test("differ between a hundred thousand Steps, and are never zero", () => {
    const ids = Array.from({ length: 100_000 }, (_, i) => stepSpanId({ taskId: id, stepName: `item_${i}` }));

    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((each) => /^(?!0{16})[0-9a-f]{16}$/.test(each))).toBe(true);
    // Either half alone takes all values too, so that all bits count.
    for (const half of [ids.map((each) => each.slice(0, 8)), ids.map((each) => each.slice(8))]) {
      expect(new Set(half).size).toBeGreaterThan(ids.length - 10);
    }
  });

  test("a Task whose id is no UUID has a trace all the same", () => {
    expect(readTraceparent(writeTraceparent({ ...ownTrace("t1" as TaskId), flags: 1 }))).toBeDefined();
  });

  test("a Run's worker gets the Run's span, or what the client sent if the plane records none", () => {
    const traceparent = `00-${traceId}-${spanId}-00`;
    const runId = id as string as RunId;

    expect(runTraceparent({ traceparent }, runId, true)).toBe(`00-${traceId}-${runSpanId(runId)}-00`);
    expect(runTraceparent({ traceparent }, runId, false)).toBe(traceparent);
    expect(runTraceparent({}, runId, true)).toBe("");
  });
});
