import { expect, test } from "vitest";
import { type ServeOptions, serve } from "#worker/serve";
import { echo as echoBy, startPlane, startWorker } from "./kit/workbench.js";

const echo = echoBy(async (input) => input);
const given = { agents: [echo], addr: "127.0.0.1:1" };

test.each<[string, unknown, RegExp]>([
  ["no options", undefined, /^options is undefined: send an object/],
  ["a list", [echo], /^options is an array/],
  ["a misspelled name", { ...given, maxruns: 4 }, /^options has no maxruns; did you mean maxRuns\?$/],
  ["an unknown name", { ...given, drain: 4 }, /^options has no drain; there are agents, addr/],
  ["no agents", { addr: "127.0.0.1:1" }, /^agents is undefined: send a list/],
  ["one agent", { ...given, agents: echo }, /^agents is an object: send a list/],
  ["an agent of null", { ...given, agents: [null] }, /^agents\[0\] is null/],
  ["a namespace alone", { ...given, namespaces: "shop" }, /^namespaces is a string: send a list/],
  ["a namespace of 5", { ...given, namespaces: [5] }, /^namespaces\[0\] is a number/],
  ["labels of 5", { ...given, labels: 5 }, /^labels is a number/],
  ["a drain of text", { ...given, drainMs: "5" }, /^drainMs is 5, not a number/],
  ["NaN Runs", { ...given, maxRuns: Number.NaN }, /^maxRuns is NaN/],
  ["a signal of 5", { ...given, signal: 5 }, /^signal is a number, not an AbortSignal/],
  ["an answer of text", { ...given, handleSignals: "no" }, /^handleSignals is a string, not true or false/],
  ["an answer of 1", { ...given, handleUncaught: 1 }, /^handleUncaught is a number, not true or false/],
  ["a listener of 5", { ...given, onConnected: 5 }, /^onConnected is a number, not a function/],
  ["a log of text", { ...given, log: "warn" }, /^log is a string: send an object with debug/],
  ["half a log", { ...given, log: { info: () => {} } }, /^log is an object: send an object with debug/],
])("%s is refused by name, before anything is opened", async (_, options, message) => {
  const before = process.listenerCount("SIGTERM");

  await expect(serve(options as ServeOptions)).rejects.toThrow(message);
  expect(process.listenerCount("SIGTERM")).toBe(before);
});

test("a callback and a log that throw cost no connection", async () => {
  const plane = await startPlane();
  const loud = () => {
    throw new Error("the disk is full");
  };
  const log = { debug: loud, info: loud, warn: loud, error: loud };
  await startWorker(plane, { log, onConnected: loud });
  const session = await plane.greet({ heartbeatMs: 5 });

  session.assign({ runId: "r1", agentName: "echo" });
  expect(await session.hear("statusUpdate")).toMatchObject({ runId: "r1" });
});
