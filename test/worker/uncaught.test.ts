import { expect, test } from "vitest";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { AgentError } from "#worker/agent/error";
import { resultsFor } from "#worker/agent/results";
import { onUncaught } from "#worker/uncaught";
import { assignment, echo, silent, startPlane, startWorker, stopped } from "./kit/workbench.js";

const events = ["unhandledRejection", "uncaughtException"] as const;
const listeners = () => events.map((event) => process.listenerCount(event));

test("what an agent leaves uncaught is logged with what it was, while somebody wants that", () => {
  const before = listeners();
  const said: unknown[] = [];
  const uncatch = onUncaught({ ...silent, error: (message, fields) => void said.push([message, fields]) });
  const [rejected, thrown] = events.map((event) => process.listeners(event as "uncaughtException").at(-1));
  const error = new Error("left behind");
  rejected?.(error, "unhandledRejection");
  thrown?.(error, "uncaughtException");
  uncatch();

  expect(said).toEqual([
    ["a promise that nobody awaits was rejected: await it in the agent, or catch it", { error }],
    ["an error was thrown where nobody catches it, as in a timer: catch it in the agent", { error }],
  ]);
  expect(listeners()).toEqual(before);
});

test("serve listens for the whole process only if it is told to", async () => {
  const before = listeners();
  const plane = await startPlane();
  const quiet = await startWorker(plane);
  expect(listeners()).toEqual(before);

  const loud = await startWorker(plane, { handleUncaught: true });
  expect(listeners()).toEqual(before.map((count) => count + 1));
  quiet.close();
  loud.close();
  await loud.closed;
  expect(listeners()).toEqual(before);
});

test("a result that was asked for early and never awaited ends nobody", async () => {
  const refuse = async () => {
    throw new AgentError("the run is no longer wanted");
  };
  const ctx = resultsFor(assignment({ resultRefs: ["before"] }), refuse);

  void ctx.result("before"); // a rejection that nobody handles would fail this file
  void ctx.resultJson("before");
  await new Promise((resolve) => setImmediate(resolve));
});

test("output that is not awaited ends nobody when its run is cancelled", async () => {
  const plane = await startPlane();
  const hasty = echo(async (_, ctx) => {
    await stopped(ctx.signal);
    void ctx.output("too late");
    return undefined;
  });
  await startWorker(plane, { agents: [hasty] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });

  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.CANCELLED });
});
