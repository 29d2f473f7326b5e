import { expect, test } from "vitest";
import { createLog } from "#host/log";

function capture(readable: boolean) {
  const lines: string[] = [];
  const log = createLog({ level: "debug", readable, sink: { write: (line) => lines.push(line) } });
  return { log, lines };
}

const withoutTime = (line: string | undefined) => line?.replace(/^\S+/, "TIME");

test("a line for machines is one JSON object with level, time, ids and message", () => {
  const { log, lines } = capture(false);
  log.info({ taskId: "t1", runId: "r1" }, "run assigned");

  const line = JSON.parse(lines[0] ?? "");
  expect(line).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    taskId: "t1",
    runId: "r1",
    msg: "run assigned",
  });
});

test("a line for people is one line", () => {
  const { log, lines } = capture(true);
  log.warn({ workerId: "w 1", held: 3 }, "worker silent");

  expect(lines.map(withoutTime)).toEqual(['TIME warn  worker silent  workerId="w 1"  held=3\n']);
});

test("secrets are redacted at the top of a line and one level below", () => {
  const { log, lines } = capture(false);
  log.info({
    token: "canary-1",
    peer: { password: "canary-2", name: "x" },
    headers: { authorization: "canary-3" },
  });

  expect(lines.join("")).not.toContain("canary");
  expect(JSON.parse(lines[0] ?? "").peer).toEqual({ password: "[redacted]", name: "x" });
});

test.each([true, false])(
  "hostile text stays on its line and moves no terminal (readable: %s)",
  (readable) => {
    const { log, lines } = capture(readable);
    const hostile = "x\n2026 error forged\r\u001b[31m\u009b2J\u2028\u202ey\u0000";
    log.info({ agent: hostile }, hostile);

    expect(lines).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(lines[0]?.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(lines[0]).toContain("forged");
  },
);

test("an error is logged with its stack, whatever the field is called", () => {
  const { log, lines } = capture(false);
  log.error({ err: new Error("a"), cause: new TypeError("b") }, "failed");

  const { err, cause } = JSON.parse(lines[0] ?? "");
  expect([err.message, cause.type, cause.stack.includes("log.test.ts")]).toEqual(["a", "TypeError", true]);
});
