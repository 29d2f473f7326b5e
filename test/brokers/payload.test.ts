import { expect, test } from "vitest";
import { heardIn, payloadsOf } from "#brokers/payload";
import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import type { Wake } from "#ports/broker";

const wakes: readonly Wake[] = [
  ...Array.from({ length: 300 }, (_, i): Wake => {
    const taskId = `019c0000-0000-7000-8000-${String(i).padStart(12, "0")}` as TaskId;
    return { type: "log", taskId, lastSeq: i + 1, ended: i % 2 === 0 };
  }),
  { type: "ready", lane: '["größe","agent",[]]' },
  { type: "ready", lane: "ä".repeat(4_000) },
  { type: "template", namespace: "n", name: "x".repeat(9_000) },
];

test("no payload is too long, and together they say everything; what fits into none is some lane, or a gap", () => {
  const payloads = payloadsOf("me", wakes, false);
  for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThanOrEqual(limits.wakeBytes);
  const heard = payloads.map((payload) => heardIn(payload));
  expect(heard.flatMap((each) => each?.wakes)).toEqual([...wakes.slice(0, 301), { type: "ready", lane: "" }]);
  expect(heard.filter((each) => each?.gap)).toHaveLength(1);
});

test.each(["", "x", "null", "{}", "[1]", '[1,5,["a"]]'])("%j is nothing of ours", (payload) => {
  expect(heardIn(payload)).toBe(undefined);
});

test("of a later form only that something has happened is heard, and an unknown wake is passed over", () => {
  expect(heardIn('[2,"x",["a"]]')).toEqual({ from: "x", wakes: [], gap: true });
  expect(heardIn('[1,"x",["?"],["l",1,2,3],["d",-1],["a"]]')).toEqual({
    from: "x",
    wakes: [{ type: "agents" }],
    gap: false,
  });
});
