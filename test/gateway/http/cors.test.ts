import { once } from "node:events";
import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Opened, open } from "../kit/open.js";

const PAGE = "https://app.example";
const EVIL = "https://evil.example";
let opened: Opened;

beforeAll(async () => {
  const allowedOrigins = [PAGE, "http://LOCALHOST:5173/", "http://[::1]:5173"];
  opened = await open({ allowedHosts: ["plane.example"], allowedOrigins });
});

afterAll(() => opened.gateway.close(1_000));

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly port?: number;
}

async function ask(path: string, { method = "GET", body, headers = {}, port }: Asked = {}): Promise<Answer> {
  const asked = request({
    host: "127.0.0.1",
    port: port ?? opened.httpPort,
    path,
    method,
    headers,
    agent: false,
  }).end(body);
  const [response] = await once(asked, "response");
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

const preflight = (origin: string, path: string, more: Record<string, string> = {}, port?: number) =>
  ask(path, {
    method: "OPTIONS",
    headers: { origin, "access-control-request-method": "POST", ...more },
    ...(port && { port }),
  });

const CREATE = "/taskrun.v1.TaskService/CreateTask";
const json = { "content-type": "application/json" };

describe("a preflight", () => {
  test("of an allowed origin says what clients of Connect and gRPC-Web may send", async () => {
    const { status, headers, text } = await preflight(PAGE, CREATE);
    const allowed = headers["access-control-allow-headers"]?.toLowerCase().split(", ");

    expect([status, text]).toEqual([204, ""]);
    expect(headers).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "GET, POST",
      "access-control-max-age": "7200",
      vary: "Origin",
    });
    expect(allowed).toEqual(
      expect.arrayContaining([
        ...["content-type", "connect-protocol-version", "connect-timeout-ms"],
        ...["x-grpc-web", "x-user-agent", "grpc-timeout", "last-event-id", "traceparent"],
      ]),
    );
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
    expect(headers).not.toHaveProperty("access-control-allow-private-network");
  });

  test("has the methods of a path, and is answered for paths that there are not", async () => {
    const methods = async (path: string) =>
      (await preflight(PAGE, path)).headers["access-control-allow-methods"];

    expect(await methods("/v1/tasks/id/events")).toBe("GET, HEAD");
    expect(await methods("/health")).toBe("GET, HEAD");
    expect(await methods("/nowhere")).toBe("GET, POST");
    const { status, headers, text } = await ask("/nowhere", { headers: { origin: PAGE } });
    expect([status, headers["access-control-allow-origin"]]).toEqual([404, PAGE]);
    expect(text).toContain("/nowhere is not served here");
  });

  test("for a private network is answered", async () => {
    const asked = { "access-control-request-private-network": "true" };
    const { headers } = await preflight(PAGE, CREATE, asked);

    expect(headers["access-control-allow-private-network"]).toBe("true");
  });

  test.each([
    ["a foreign page", EVIL],
    ["another port of this machine", "http://localhost:3000"],
    ["another scheme", "http://app.example"],
    ["another port", "https://app.example:8443"],
    ["a name below", "https://x.app.example"],
    ["a name that begins alike", "https://app.example.evil.example"],
    ["an allowed host, which is no allowed origin", "https://plane.example"],
    ["no origin", "null"],
  ])("of %s is refused with the setting that permits it", async (_, origin) => {
    const { status, headers, text } = await preflight(origin, CREATE);

    expect(status).toBe(403);
    expect(text).toContain("allowed-origins");
    expect(text).toContain(origin === "null" ? "files and sandboxed frames" : `--allowed-origins ${origin}`);
    expect(headers).toMatchObject({ vary: "Origin", "x-content-type-options": "nosniff" });
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    expect(headers).not.toHaveProperty("access-control-allow-headers");
  });

  test("is no permission for a host that is not served", async () => {
    const { status, headers } = await preflight(PAGE, CREATE, { host: "evil.example" });

    expect(status).toBe(403);
    expect(headers).not.toHaveProperty("access-control-allow-methods");
  });

  test("without an origin, or without a method, is none", async () => {
    const bare = await ask(CREATE, { method: "OPTIONS" });
    const half = await ask("/health", { method: "OPTIONS", headers: { origin: PAGE } });

    expect([bare.status, half.status]).toEqual([405, 405]);
    expect(half.headers["access-control-allow-origin"]).toBe(PAGE);
  });
});

describe("a response", () => {
  test.each([PAGE, "http://localhost:5173", "http://[::1]:5173"])(
    "to a page of %s can be read",
    async (origin) => {
      const made = await ask(CREATE, {
        method: "POST",
        body: '{"agentName":"a"}',
        headers: { ...json, origin },
      });

      expect(made.status).toBe(200);
      expect(made.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "Origin" });
      expect(made.headers["access-control-expose-headers"]?.toLowerCase().split(", ")).toEqual(
        expect.arrayContaining([
          ...["grpc-status", "grpc-message", "grpc-status-details-bin", "retry-after"],
          ...["x-auth-failure-reason", "x-auth-failure-severity"],
        ]),
      );
      const events = await ask("/v1/tasks/none/events", { headers: { origin } });
      expect(events.headers.vary).toBe("Origin, Accept, Last-Event-ID");
    },
  );

  test.each([
    ["an error of an rpc", CREATE, { method: "POST", body: "{", headers: json }, 400],
    ["a wrong method", CREATE, { method: "PUT", body: "{}", headers: json }, 405],
    ["a wrong content type", CREATE, { method: "POST", body: "x" }, 415],
    ["a path that there is not", "/nowhere", {}, 404],
    ["a Task that there is not", "/v1/tasks/none/events", {}, 404],
    ["a host that is not served", "/health", { headers: { host: "evil.example" } }, 403],
    ["a page", "/health", {}, 200],
  ] as const)("with %s can be read too", async (_, path, asked: Asked, status) => {
    const answer = await ask(path, { ...asked, headers: { ...asked.headers, origin: PAGE } });

    expect(answer.status).toBe(status);
    expect(answer.headers["access-control-allow-origin"]).toBe(PAGE);
  });

  test("of gRPC-Web has its error where the page may read it", async () => {
    const headers = { "content-type": "application/grpc-web+proto", "x-grpc-web": "1", origin: PAGE };
    const body = Buffer.from([0, 0, 0, 0, 0]).toString("latin1");
    const answer = await ask("/taskrun.v1.TaskService/GetTask", { method: "POST", body, headers });

    expect(answer.headers["access-control-allow-origin"]).toBe(PAGE);
    expect(answer.text).toContain("grpc-status: 3");
  });

  test("to anybody else says that it depends on who asks, and shares nothing", async () => {
    for (const headers of [
      {},
      { origin: "http://localhost:3000" },
      { origin: `http://127.0.0.1:${opened.httpPort}` },
    ]) {
      const answer = await ask("/health", { headers: headers as Record<string, string> });

      expect(answer.status).toBe(200);
      expect(answer.headers.vary).toBe("Origin");
      expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
    }
    const refused = await ask("/health", { headers: { origin: EVIL } });
    expect([refused.status, refused.text]).toEqual([
      403,
      expect.stringContaining(`--allowed-origins ${EVIL}`),
    ]);
    expect(refused.headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("repeats no more of an origin than anybody needs", async () => {
    const { status, text } = await ask("/health", {
      headers: { origin: `https://${"x".repeat(9_000)}.example` },
    });

    expect(status).toBe(403);
    expect(text.length).toBeLessThan(1_000);
  });

  test("over HTTP/2 is shared alike", async () => {
    const session = connect(`http://127.0.0.1:${opened.httpPort}`);
    const options = {
      ":method": "OPTIONS",
      ":path": CREATE,
      origin: PAGE,
      "access-control-request-method": "POST",
    };
    const asked = session.request(options).end();
    const [headers] = await once(asked, "response");
    asked.resume();
    await once(asked, "close");
    session.destroy();

    expect(headers).toMatchObject({ ":status": 204, "access-control-allow-origin": PAGE, vary: "Origin" });
  });
});

test("two origins in one header are none that is allowed", async () => {
  const { status, headers } = await ask("/health", { headers: { origin: `${PAGE}, ${PAGE}` } });

  expect(status).toBe(403);
  expect(headers).not.toHaveProperty("access-control-allow-origin");
});

test("without allowed origins nothing is shared, and nothing depends on who asks", async () => {
  const own = await open();
  const port = own.httpPort;
  const page = await ask("/health", { headers: { origin: "http://localhost:3000" }, port });
  const refused = await preflight("http://localhost:3000", CREATE, {}, port);
  await own.gateway.close(1_000);

  expect(page.status).toBe(200);
  expect(page.headers).not.toHaveProperty("vary");
  expect(refused.status).toBe(403);
});

test.each(["*", "http://localhost:*", "https://app.example/app", "null", "app.example"])(
  "%s is refused at the start, by name",
  async (origin) => {
    await expect(open({ allowedOrigins: [PAGE, origin] })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(`allowedOrigins: "${origin}" `),
    });
    expect(() => opened.gateway.handler({ allowedOrigins: [origin] })).toThrow(
      `allowedOrigins: "${origin}" `,
    );
  },
);
