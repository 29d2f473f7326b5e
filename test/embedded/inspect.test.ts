import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { expect, test } from "vitest";
import type { InspectionEvent } from "xstate";
import { Replay } from "../inspect/kit/replay.js";
import { greet, started } from "./kit.js";

test("an inspector of the library gets the charts, parents and states of a plane in this process", async () => {
  const replay = new Replay();
  const send = (event: StatelyInspectionEvent) => replay.take(JSON.stringify(event));
  const { inspect } = createInspector({ send });
  const taskrun = await started({ agents: [greet], inspect });
  const task = await taskrun.client.tasks.create({ agent: "greet", input: { name: "Ada" } });
  const { runs } = await taskrun.client.tasks.wait(task.id);
  await taskrun.stop();

  await expect.poll(() => replay.actors.get("actor:scheduler")?.value).toBe("stopped");
  expect(replay.problems).toEqual([]);
  const step = replay.actors.get(`step:${task.id}/main`);
  expect(step).toMatchObject({ name: "main", parentId: `task:${task.id}`, value: "complete" });
  expect(JSON.parse(step?.definition ?? "{}").states).toHaveProperty("waiting_for_retry");
  expect(replay.actors.get(`run:${runs[0]?.id}`)?.value).toEqual({ status: "COMPLETED", hold: "released" });
  expect(JSON.stringify(replay.events)).not.toContain("Ada");
});

test("a function gets XState's events, each with the actor that it is about", async () => {
  const events: InspectionEvent[] = [];
  const taskrun = await started({ inspect: (event) => void events.push(event) });
  const { id } = await taskrun.client.tasks.create({ agent: "greet", input: {} });
  await taskrun.stop();

  const refs = new Set(
    events.map(({ actorRef }) => actorRef).filter((ref) => ref.sessionId === `task:${id}`),
  );
  expect(refs.size).toBe(1);
  const [ref] = refs;
  expect(ref?.getSnapshot()).toMatchObject({ status: "active", context: { taskId: id } });
});

test("a function that throws is logged once, and Tasks go on", async () => {
  const logged: string[] = [];
  const quiet = () => {};
  const log = { debug: quiet, info: quiet, warn: quiet, error: (text: string) => void logged.push(text) };
  const inspect = () => {
    throw new Error("no");
  };
  const taskrun = await started({ agents: [greet], inspect, log });
  await taskrun.client.tasks.run({ agent: "greet", input: { name: "Ada" } });
  await taskrun.stop();

  expect(logged).toEqual([expect.stringContaining("`inspect` has thrown")]);
});

test.each([5, "ws://localhost:8080", {}, { next: 1 }, null])(
  "inspect that is none is refused: %j",
  async (inspect) => {
    await expect(started({ inspect: inspect as never })).rejects.toThrow(/^inspect is .*send an observer/);
  },
);
