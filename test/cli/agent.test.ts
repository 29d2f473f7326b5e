import { expect, onTestFinished, test } from "vitest";
import { fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

test("an agent that nobody has announced is not found, and the advice lists agents", async () => {
  const plane = await fakePlane({}, { listAgents: () => ({ agents: [] }) });
  onTestFinished(() => plane[Symbol.asyncDispose]());

  expect(await taskrun(["agent", "get", "grete", "--addr", plane.addr])).toEqual({
    code: 4,
    stdout: "",
    stderr:
      'taskrun: no worker has ever announced an agent "grete", and no step waits for one\n  `npx taskrun agent list` lists what exists.\n',
  });
});
