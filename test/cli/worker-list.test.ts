import { expect, test } from "vitest";
import { fakePlane, type WorkerRpcs } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

const all = [
  {
    workerId: "w1",
    status: 1,
    maxConcurrentRuns: 4,
    lastHeartbeatMs: 1_000n,
    namespaces: ["billing", "shop"],
  },
  { workerId: "w2", status: 1, maxConcurrentRuns: 4, lastHeartbeatMs: 1_000n },
];

async function list(workers: typeof all, ...words: string[]) {
  const asked: string[] = [];
  const rpcs: WorkerRpcs = {
    listWorkers: ({ namespace }) => {
      asked.push(namespace);
      return { workers };
    },
  };
  await using plane = await fakePlane({}, rpcs);
  const { code, stdout } = await taskrun(["worker", "list", ...words, "--addr", plane.addr]);
  expect(code).toBe(0);
  return { asked, stdout };
}

test("worker list says of which namespaces workers take tasks, if one names some or all are asked for", async () => {
  const { stdout, asked } = await list(all);
  expect(asked).toEqual([""]);
  expect(stdout).toMatch(
    /^WORKER +STATUS +RUNS +HEARD +HOST +NAMESPACES .*\nw1 .* billing shop .*\nw2 .* all /,
  );
  expect((await list(all.slice(1))).stdout).not.toContain("NAMESPACES");
  const everywhere = await list(all.slice(1), "--namespace", "*");
  expect(everywhere.stdout).toContain("NAMESPACES");
  expect(everywhere.asked).toEqual([""]);
});

test("worker list asks for those of one namespace", async () => {
  expect((await list(all, "--namespace", "shop")).asked).toEqual(["shop"]);
});
