import { once, setMaxListeners } from "node:events";
import { createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { createClient, type TaskRunError } from "#client/index";
import type { TaskId } from "#domain/id";
import { deadAddr, fakePlane } from "../client/fake-plane.js";
import { type Opened, open } from "../gateway/kit/open.js";
import { taskWithLog } from "../gateway/kit/raw-watch.js";

let opened: Opened | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await opened?.gateway.close(1_000);
  opened = undefined;
});

const failure = (promise: Promise<unknown>): Promise<TaskRunError> =>
  promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error) => error,
  );

test("one client watches three hundred tasks and still reads, though a connection takes a hundred streams", {
  timeout: 60_000,
}, async () => {
  opened = await open();
  const id: TaskId = await taskWithLog(opened, []);
  const { plane } = opened;
  const client = createClient({ addr: `127.0.0.1:${opened.grpcPort}` });
  const stop = new AbortController();
  setMaxListeners(400, stop.signal);
  const watches = Array.from({ length: 300 }, async () => {
    for await (const _ of client.tasks.watch(id, { signal: stop.signal }));
  });
  await expect.poll(() => plane.watchers, { timeout: 30_000 }).toBe(300);

  expect(await client.tasks.get(id)).toMatchObject({ id });
  stop.abort();
  await Promise.all(watches);
  client.close();
});

test.each(["[::1]", "::1"])("IPv6 is reached by %s", async (host) => {
  opened = await open({ grpc: ["[::1]:0"] });
  const addr = host === "::1" ? `http://[::1]:${opened.grpcPort}` : `${host}:${opened.grpcPort}`;
  const client = createClient({ addr });
  expect(await client.workers.list()).toEqual([]);
  client.close();
});

test("the address of the environment is a client's default", async () => {
  await using plane = await fakePlane({}, { listWorkers: () => ({ workers: [] }) });
  vi.stubEnv("TASKRUN_ADDR", plane.addr);
  const client = createClient();
  expect(await client.workers.list()).toEqual([]);
  client.close();
});

test("a server that was never there is not called a lost connection", async () => {
  const addr = await deadAddr();
  const client = createClient({ addr });
  expect(await failure(client.tasks.get("x"))).toMatchObject({
    code: "UNAVAILABLE",
    reason: "CANNOT_CONNECT",
    message: `cannot connect to ${addr}: ECONNREFUSED ${addr}`,
  });
  client.close();

  const nowhere = createClient({ addr: "no-such-host.invalid" });
  const error = await failure(nowhere.tasks.get("x"));
  expect(error.message).toMatch(/^cannot connect to no-such-host\.invalid:50051: (ENOTFOUND|EAI_AGAIN)/);
  nowhere.close();

  const [, port] = addr.split(":");
  const named = createClient({ addr: `localhost:${port}` });
  expect((await failure(named.tasks.get("x"))).message).toMatch(
    /^cannot connect to localhost:\d+: ECONNREFUSED /,
  );
  named.close();
});

test("a connection that breaks within a call is a lost one", async () => {
  await using plane = await fakePlane({
    async getTask() {
      plane.cut();
      return new Promise<never>(() => {});
    },
  });
  const client = createClient({ addr: plane.addr });
  const error = await failure(client.tasks.get("x"));
  expect(error).toMatchObject({ code: "UNAVAILABLE", reason: "CONNECTION_LOST" });
  expect(error.message).toMatch(/^no answer from the server: /);
  client.close();
});

test("something that is no gRPC server fails the call, and does not hang it", async () => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = createClient({ addr: `127.0.0.1:${port}`, timeoutMs: 5_000 });
  expect(await failure(client.tasks.get("x"))).toMatchObject({ code: "UNAVAILABLE" });
  client.close();
  server.close();
});

test("a closed client says so, and opens nothing", async () => {
  await using plane = await fakePlane({});
  const client = createClient({ addr: plane.addr });
  client.close();
  client.close();
  expect(await failure(client.tasks.get("x"))).toMatchObject({
    code: "FAILED_PRECONDITION",
    message: "the client is closed",
  });
});
