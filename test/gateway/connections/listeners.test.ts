import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as tcpConnect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openGateway } from "#gateway/server";
import { RawSocket } from "../../hostile/raw/raw-http1.js";
import { type Opened, open } from "../kit/open.js";

let opened: Opened;
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  opened = await open({ allowedHosts: ["plane.example"] });
});

afterAll(async () => {
  for (const session of sessions) session.destroy();
  await opened.gateway.close(1_000);
});

async function get(path: string, headers: Record<string, string> = {}): Promise<string> {
  const request = httpRequest({
    host: "127.0.0.1",
    port: opened.httpPort,
    path,
    headers,
    agent: false,
  }).end();
  const [response] = await once(request, "response");
  response.setEncoding("utf8");
  let body = "";
  for await (const chunk of response) body += chunk;
  return `${response.statusCode} ${body}`;
}

function session(port: number): ClientHttp2Session {
  const made = connect(`http://127.0.0.1:${port}`);
  made.on("error", () => undefined);
  sessions.push(made);
  return made;
}

const rpcHeaders = (path: string, port: number) => ({
  ":method": "POST",
  ":path": path,
  ":authority": `127.0.0.1:${port}`,
  "content-type": "application/grpc",
  te: "trailers",
});

test.each(["grpcPort", "httpPort"] as const)(
  "a worker that says nothing has its headers at once (%s)",
  async (listener) => {
    const port = opened[listener];
    const stream = session(port).request(rpcHeaders("/taskrun.v1.RunService/StreamConnect", port), {
      endStream: false,
    });
    const [headers] = await once(stream, "response");

    expect(headers[":status"]).toBe(200);
    expect(headers["content-type"]).toMatch(/^application\/grpc/);
    stream.close();
  },
);

test("pages and numbers are served beside the rpcs", async () => {
  expect(await get("/health/live")).toMatch(/^200 \{"status":"alive",/);
  expect(await get("/health/ready")).toMatch(/^200 \{"status":"ready",/);
  expect(await get("/metrics")).toBe("200 taskrun_up 1\n");
  expect(await get("/")).toContain("TaskRun control plane.");
  expect(await get("/nowhere")).toBe("404 /nowhere is not served here; see / for what is.\n");
  opened.plane.ready = false;
  expect(await get("/health/ready")).toMatch(/^503 \{"status":"not_ready",/);
  opened.plane.ready = true;
});

test.each([
  ["a loopback name", { host: "localhost:8080" }, 200],
  ["a loopback address", { host: "[::1]:8080" }, 200],
  ["a configured name", { host: "plane.example" }, 200],
  ["a page of this machine", { origin: "http://localhost:3000" }, 200],
  ["another's name for this machine", { host: "evil.example" }, 403],
  ["a name that only looks like loopback", { host: "127.0.0.1.evil.example" }, 403],
  ["a foreign page", { origin: "https://evil.example" }, 403],
  ["a page without an origin", { origin: "null" }, 403],
  ["a host that is none", { host: "::1:8080" }, 400],
  ["a host with a user", { host: "localhost@evil.example" }, 400],
])("%s in the headers is let in or not", async (_, headers, status) => {
  expect(await get("/health/live", headers as unknown as Record<string, string>)).toMatch(
    new RegExp(`^${status} `),
  );
});

test("a malformed authority is refused, and the process lives on", async () => {
  const path = "/taskrun.v1.TaskService/ListTasks";
  const headers = { ...rpcHeaders(path, opened.httpPort), ":authority": "::1:50051" };
  const stream = session(opened.httpPort).request(headers);
  stream.end();
  const [answer] = await once(stream, "response");
  stream.close();

  expect(answer[":status"]).toBe(400);
  expect(await get("/health/live")).toMatch(/^200 \{"status":"alive",/);
});

test("a preface that comes in pieces is still HTTP/2, and a POST is still HTTP/1.1", async () => {
  const socket = tcpConnect(opened.httpPort, "127.0.0.1");
  socket.write("PRI * HTT");
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.write("P/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])); // empty SETTINGS
  const [frame] = (await once(socket, "data")) as [Buffer];
  socket.destroy();

  expect(frame[3]).toBe(4); // SETTINGS
  const json = await fetch(`http://127.0.0.1:${opened.httpPort}/taskrun.v1.WorkerService/ListWorkers`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect(await json.json()).toEqual({});
});

const nowhere = (length: number) =>
  `POST /nowhere HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`;

test("who was answered before the end of a request may end it, and ask again on the same connection", async () => {
  const socket = new RawSocket(opened.httpPort);
  socket.write(nowhere(4));
  await expect.poll(() => socket.text).toMatch(/^HTTP\/1.1 404/);
  socket.write("rest");
  socket.write("GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await expect.poll(() => socket.text).toMatch(/HTTP\/1.1 200 OK/);
  socket.end();
});

test("of a large request that was answered before its end, the rest is not read", async () => {
  const socket = new RawSocket(opened.httpPort);
  const length = 1_000_000;
  socket.write(nowhere(length));
  await expect.poll(() => socket.text).toMatch(/^HTTP\/1.1 404/);
  socket.write("x".repeat(length));
  socket.write("GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await socket.closed;
  expect(socket.text).not.toMatch(/HTTP\/1.1 200 OK/);
});

test("bytes that are no protocol end their connection and nothing else", async () => {
  for (const port of [opened.httpPort, opened.grpcPort]) {
    const socket = tcpConnect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(Buffer.alloc(2_000, 0xff));
    socket.resume();
    await once(socket, "close");
  }
  expect(await get("/health/live")).toMatch(/^200 \{"status":"alive",/);
});

const listenersOf = (settings: { grpc?: string[]; http?: string[]; insecure?: boolean }) =>
  open({ grpc: [], http: [], ...settings }).then(async ({ gateway }) => {
    await gateway.close(1_000);
    return gateway;
  });

test("an address that others can reach is refused unless asked for plainly", async () => {
  await expect(listenersOf({ grpc: ["0.0.0.0:0"] })).rejects.toThrow(
    "0.0.0.0:0 can be reached from other machines, without TLS and authentication",
  );
  await expect(listenersOf({ http: ["[::]:0"] })).rejects.toMatchObject({ code: "denied" });
  await expect(listenersOf({ grpc: ["nonsense"] })).rejects.toThrow(
    '"nonsense" is no address: write HOST:PORT, for example 127.0.0.1:50051 or [::1]:50051.',
  );
});

test("an address that is taken is named, with what to do", async () => {
  const advice = /something else listens there: stop it, or choose another port\.$/;
  for (const listener of ["grpc", "http"] as const) {
    const taken = opened.gateway[listener][0] ?? "";
    await expect(listenersOf({ [listener]: [taken] })).rejects.toThrow(
      `cannot listen on ${taken} (EADDRINUSE)`,
    );
    await expect(listenersOf({ [listener]: [taken] })).rejects.toThrow(advice);
  }
});

test("an address that the machine lacks is left out if another is bound, and is an error alone", async () => {
  // A loopback address of the documentation's kind: no interface carries it.
  const { gateway } = await open({ grpc: ["127.0.0.1:0", "192.0.2.1:0"], insecure: true });
  await gateway.close(1_000);

  expect(gateway.grpc).toHaveLength(1);
  await expect(listenersOf({ http: ["192.0.2.1:0"], insecure: true })).rejects.toThrow(
    "this machine has no such address: choose one that it has.",
  );
});

test("a drain says so, ends streams as UNAVAILABLE, and is over in time", async () => {
  const own = await open();
  const endings: (string | undefined)[] = [];
  for (const port of [own.grpcPort, own.httpPort]) {
    const stream = session(port).request(rpcHeaders("/taskrun.v1.RunService/StreamConnect", port), {
      endStream: false,
    });
    stream.on("trailers", (trailers) =>
      endings.push(`${trailers["grpc-status"]} ${trailers["grpc-message"]}`),
    );
    stream.on("end", () => stream.close(constants.NGHTTP2_NO_ERROR));
    stream.resume();
    await once(stream, "response");
  }

  // It does not wait for a peer that is well: with this much time for it, the test would run out of its own.
  await own.gateway.close(600_000);
  expect(endings).toEqual(["14 server%20draining", "14 server%20draining"]);
});

test("listeners that cannot all be opened leave none open", async () => {
  const taken = opened.gateway.grpc[0] ?? "";
  await expect(listenersOf({ http: ["127.0.0.1:0"], grpc: [taken] })).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(openGateway).toBeTypeOf("function");
});
