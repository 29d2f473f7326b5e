import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "#transport/on-abort";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

test("a signal has one listener, however much it is to abort, and none when that is done", () => {
  const { signal } = new AbortController();
  const forget = Array.from({ length: 100 }, () => onAbort(signal, () => {}));
  expect(listeners(signal)).toBe(1);

  for (const each of forget.slice(1)) each();
  expect(listeners(signal)).toBe(1);
  forget[0]?.();
  forget[0]?.();
  expect(listeners(signal)).toBe(0);

  onAbort(signal, () => {})();
  expect(listeners(signal)).toBe(0);
});

test("all are called once, also those that were added twice, and none that was forgotten", () => {
  const aborter = new AbortController();
  const called: string[] = [];
  const twice = () => called.push("twice");
  onAbort(aborter.signal, twice);
  onAbort(aborter.signal, twice);
  const forget = onAbort(aborter.signal, () => called.push("forgotten"));
  onAbort(aborter.signal, () => called.push("kept"));
  forget();
  aborter.abort();
  aborter.abort();

  expect(called).toEqual(["twice", "twice", "kept"]);
  expect(listeners(aborter.signal)).toBe(0);
});

test("what has aborted already calls back at once, and what there is not never does", () => {
  const called: string[] = [];
  onAbort(AbortSignal.abort(), () => called.push("aborted"))();
  onAbort(undefined, () => called.push("none"))();

  expect(called).toEqual(["aborted"]);
});

test("what is added or forgotten while the signal aborts is treated like the rest", () => {
  const aborter = new AbortController();
  const called: string[] = [];
  let forgetLast = () => {};
  onAbort(aborter.signal, () => {
    called.push("first");
    onAbort(aborter.signal, () => called.push("added"));
    forgetLast();
  });
  forgetLast = onAbort(aborter.signal, () => called.push("last"));
  aborter.abort();

  expect(called).toEqual(["first", "added"]);
});
