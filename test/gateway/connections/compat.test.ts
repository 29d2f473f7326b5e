import { createServer } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, expect, test } from "vitest";
import { WorkerService } from "#wire/gen/taskrun/v1/worker_service_pb";
import { type Opened, open } from "../kit/open.js";

const gateways: Opened[] = [];

afterEach(async () => {
  for (const { gateway } of gateways.splice(0)) await gateway.close(1_000);
});

async function opened(...settings: Parameters<typeof open>): Promise<Opened> {
  const made = await open(...settings);
  gateways.push(made);
  return made;
}

test("an address of another system serves the same table, and is named by that system", async () => {
  const { gateway } = await opened({
    compat: [
      { name: "orchestrator", address: "127.0.0.1:0" },
      { name: "tasker", address: "127.0.0.1:0" },
      { name: "orchestrator", address: "127.0.0.1:0" },
    ],
  });
  const { compat } = gateway;
  expect(Object.entries(compat ?? {}).map(([name, addresses]) => [name, addresses.length])).toEqual([
    ["orchestrator", 2],
    ["tasker", 1],
  ]);
  for (const address of Object.values(compat ?? {}).flat()) {
    const transport = createGrpcTransport({ baseUrl: `http://${address}` });
    expect(await createClient(WorkerService, transport).listWorkers({})).toMatchObject({ workers: [] });
  }
});

test("the reads of a worker of Tasker have paths of their own over HTTP", async () => {
  const { gateway } = await opened({ compat: [{ name: "tasker-worker", address: "127.0.0.1:0" }] });
  const [address] = gateway.compat?.["tasker-worker"] ?? [];
  const status = async (path: string) => (await fetch(`http://${address}${path}`)).status;

  expect(await status("/health/live")).toBe(200);
  expect(await status("/metrics")).toBe(200);
  expect(await status("/taskrun.v1.WorkerService/ListWorkers")).toBe(404);
  expect(await status("/v1/enroll")).toBe(404);
});

test("without any of them nothing more is opened, and nothing is said of them", async () => {
  expect("compat" in (await opened()).gateway).toBe(false);
});

test("an address that is taken is named with the system it was for, and no other stays open", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  try {
    const compat = [{ name: "tasker", address: `127.0.0.1:${port}` }] as const;
    await expect(open({ compat })).rejects.toMatchObject({
      message: expect.stringMatching(
        `^compat tasker: cannot listen on 127.0.0.1:${port} .*something else listens there`,
      ),
      reason: "EADDRINUSE",
    });
  } finally {
    other.close();
  }
});

test("an address that other machines can reach is refused as any other", async () => {
  const compat = [{ name: "tasker", address: "0.0.0.0:0" }] as const;

  await expect(open({ compat })).rejects.toMatchObject({ code: "denied", reason: "NOT_LOOPBACK" });
  const { gateway, httpPort } = await opened({ compat, insecure: true });
  const health = await (await fetch(`http://127.0.0.1:${httpPort}/health`)).json();
  expect(health).toMatchObject({ insecure: gateway.compat?.tasker });
});
