import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NodeSchema, type NodeState } from "#wire/gen/taskrun/v1/node_service_pb";
import { fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

const base = { version: "0.1.0", hostname: "here", startedAtMs: 1_000n };
const now = Date.now();
const known: MessageInitShape<typeof NodeSchema>[] = [
  {
    ...base,
    id: "n-1",
    state: 1,
    address: "10.0.0.1:50051",
    leaseUntilMs: BigInt(now + 3_600_000),
    workers: 3,
    runs: 2,
  },
  { ...base, id: "n-2", state: 3, leaseUntilMs: 5_000n, takenBy: "n-1" },
  { ...base, id: "n-3", state: 9 as NodeState },
];

test("node list prints a line for each node, with its lease and who has taken over", async () => {
  await using plane = await fakePlane(
    {},
    {},
    {},
    { listNodes: () => ({ nodes: known.map((node) => create(NodeSchema, node)) }) },
  );

  const { code, stdout } = await taskrun(["node", "list", "--addr", plane.addr]);

  const [head, first, second, third] = stdout.split("\n");
  expect(code).toBe(0);
  expect(head).toMatch(/^NODE +STATE +LEASE +STARTED +WORKERS +RUNS +VERSION/);
  expect(first).toMatch(/^n-1 +live +\S.* 3 +2 +0\.1\.0 +10\.0\.0\.1:50051 +here/);
  expect(second).toMatch(/^n-2 +lost +ended .* ago.* 0 +0 .*n-1$/);
  expect(third).toMatch(/^n-3 +unspecified/);
});

test("node list --json prints an object for each node", async () => {
  await using plane = await fakePlane(
    {},
    {},
    {},
    { listNodes: () => ({ nodes: [create(NodeSchema, known[1])] }) },
  );

  const { stdout } = await taskrun(["node", "list", "--json", "--addr", plane.addr]);

  expect(JSON.parse(stdout)).toEqual({
    id: "n-2",
    state: "lost",
    version: "0.1.0",
    hostname: "here",
    address: "",
    startedAtMs: 1_000,
    leaseUntilMs: 5_000,
    takenBy: "n-1",
    workers: 0,
    runs: 0,
  });
});
