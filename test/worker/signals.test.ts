import { expect, test } from "vitest";
import { onSignals } from "#worker/signals";

test("a signal asks to leave, and handlers that are taken back hear nothing", () => {
  const asked: string[] = [];
  const before = process.listenerCount("SIGTERM");
  const unhandle = onSignals((name) => asked.push(name));

  process.emit("SIGTERM", "SIGTERM");
  unhandle();

  expect(asked).toEqual(["SIGTERM"]);
  expect(process.listenerCount("SIGTERM")).toBe(before);
});
