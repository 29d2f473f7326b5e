import { expect, test } from "vitest";
import { jsonLine, readableLine } from "#worker/agent/log";

const time = new Date("2030-01-31T09:00:00.120Z");

test("a program reads an object a line", () => {
  const line = jsonLine("warn", "lost", { workerId: "w1", err: new Error("gone") }, time);

  expect(line.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(line)).toMatchObject({
    level: "warn",
    time: "2030-01-31T09:00:00.120Z",
    workerId: "w1",
    err: { message: "gone" },
    msg: "lost",
  });
});

test("a person reads a line that does nothing to the terminal", () => {
  const fields = { workerId: "w1", why: "two words", runs: 2, line: "\u001b[2J\u009b" };

  expect(readableLine("info", "connected\n", fields, time)).toBe(
    '09:00:00.120 info  connected\\u000a  workerId=w1  why="two words"  runs=2  line=\\u001b[2J\\u009b\n',
  );
});
