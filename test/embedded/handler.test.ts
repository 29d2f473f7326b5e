import { createServer, Server as HttpServer, type Server } from "node:http";
import { connect, createServer as createHttp2, type Http2Server } from "node:http2";
import { type AddressInfo, connect as netConnect, type Socket } from "node:net";
import { createClient as connectClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { type HttpBindings, serve as serveHono } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import type { TaskRun } from "#embedded/index";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { greet, sleep, started } from "./kit.js";

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server of the host's at a free port, closed after the test. */
async function listening(server: Server | Http2Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = { "content-type": "application/json" };
const ask = { agentName: "greet", inputJson: '{"name":"Ada"}' };

/** Creates a Task through one transport, and reads its log to the end. */
async function speaks(transport: Transport): Promise<string> {
  const client = connectClient(TaskService, transport);
  const { id } = await client.createTask(ask);
  let output = "";
  for await (const { event } of client.watchTask({ id })) {
    if (event.case === "output") output += event.value.content;
  }
  return output;
}

/** What every mount has to serve. */
async function expectServed(url: string, version: "1.1" | "2"): Promise<void> {
  const options = { baseUrl: url, httpVersion: version } as const;
  expect(await speaks(createConnectTransport(options))).toBe("Hello Ada\n");
  expect(await speaks(createConnectTransport({ ...options, useBinaryFormat: false }))).toBe("Hello Ada\n");
  expect(await speaks(createGrpcWebTransport(options))).toBe("Hello Ada\n");
}

const mounts: Readonly<Record<string, (taskrun: TaskRun) => Promise<string>>> = {
  "node:http": async (taskrun) =>
    `${await listening(createServer(taskrun.handler({ prefix: "/api/taskrun" })))}/api/taskrun`,
  "node:http at the root": (taskrun) => listening(createServer(taskrun.handler())),
  "Express at a path": async (taskrun) => {
    const app = express().use("/taskrun", taskrun.handler());
    return `${await listening(createServer(app))}/taskrun`;
  },
  "Express with a prefix": async (taskrun) => {
    const app = express().use(taskrun.handler({ prefix: "/taskrun/" }), express.json());
    return `${await listening(createServer(app))}/taskrun`;
  },
  "Express, the path said twice": async (taskrun) => {
    const app = express().use("/v1/taskrun", taskrun.handler({ prefix: "/taskrun" }));
    return `${await listening(createServer(app))}/v1/taskrun`;
  },
  Fastify: async (taskrun) => {
    const app = fastify();
    const handle = taskrun.handler({ prefix: "/taskrun" });
    app.addHook("onRequest", async ({ raw }, reply) => {
      if (!raw.url?.startsWith("/taskrun/")) return;
      reply.hijack();
      handle(raw, reply.raw);
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    closers.push(() => app.close());
    return `${url}/taskrun`;
  },
  Hono: async (taskrun) => {
    const handle = taskrun.handler({ prefix: "/taskrun" });
    const app = new Hono<{ Bindings: HttpBindings }>().all("/taskrun/*", ({ env }) => {
      handle(env.incoming, env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
    await new Promise((resolve) => server.once("listening", resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/taskrun`;
  },
};

test.each(Object.entries(mounts))(
  "%s serves Connect, gRPC-Web, health and metrics over HTTP/1.1",
  async (_, mount) => {
    const taskrun = await started({ agents: [greet] });
    const url = await mount(taskrun);

    await expectServed(url, "1.1");
    expect(await (await fetch(`${url}/health/ready`)).json()).toMatchObject({ status: "ready" });
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "healthy" });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^taskrun_tasks_created_total 3$/m);
    expect(metrics).not.toContain("process_cpu");
  },
);

test("HTTP/2 carries native gRPC too, under a prefix", async () => {
  const taskrun = await started({ agents: [greet] });
  const url = `${await listening(createHttp2(taskrun.handler({ prefix: "/rpc" })))}/rpc`;

  await expectServed(url, "2");
  expect(await speaks(createGrpcTransport({ baseUrl: url }))).toBe("Hello Ada\n");
});

test("a server for both versions serves both", async () => {
  const taskrun = await started({ agents: [greet] });
  const handle = taskrun.handler();
  const app = fastify({
    serverFactory: (otherwise) =>
      createServer((request, response) => {
        handle(request, response, () => otherwise(request, response));
      }),
  });
  app.get("/own", async () => "own");
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  closers.push(() => app.close());

  expect(await (await fetch(`${url}/own`)).text()).toBe("own");
  await expectServed(url, "1.1");
});

test("under a prefix the OpenAPI document names the paths that there are", async () => {
  const taskrun = await started();
  const url = await listening(createServer(taskrun.handler({ prefix: "/api/taskrun" })));
  const at = `${url}/api/taskrun/api-docs/openapi.json`;
  const { servers, paths } = (await (await fetch(at)).json()) as {
    servers: readonly [{ readonly url: string }];
    paths: object;
  };
  const [path = ""] = Object.keys(paths).filter((each) => each === "/v1/workers");
  const root = new URL(servers[0].url, at).href.replace(/\/$/, "");
  expect((await fetch(`${root}${path}`)).status).toBe(200);
});

test("under a prefix links lead to the paths that there are", async () => {
  const taskrun = await started();
  const { id } = await taskrun.client.tasks.create({ agent: "nobody" });
  const application = express()
    .use(taskrun.handler({ prefix: "/api/taskrun" }))
    .use("/mounted", taskrun.handler());
  const url = await listening(createServer(application));
  for (const base of ["/api/taskrun", "/mounted"]) {
    const summary = await fetch(`${url}${base}/v1/tasks/${id}/summary`);
    const { links } = (await summary.json()) as { links: { task: string; steps: string } };
    expect(links.task).toBe(`${base}/v1/tasks/${id}`);
    for (const link of [links.task, links.steps]) expect((await fetch(url + link)).status).toBe(200);
  }
});

describe("a request that is not TaskRun's", () => {
  test("goes on to the application", async () => {
    const taskrun = await started();
    const app = express()
      .use(taskrun.handler({ prefix: "/taskrun" }))
      .get("/taskrunner", (_, response) => void response.send("mine"))
      .get("/", (_, response) => void response.send("home"));
    const url = await listening(createServer(app));

    expect(await (await fetch(`${url}/taskrunner`)).text()).toBe("mine");
    expect(await (await fetch(`${url}/`)).text()).toBe("home");
    const missing = await fetch(`${url}/taskrun/nothing`);
    expect(missing.status).toBe(404);
    expect(await missing.text()).toContain("Cannot GET /taskrun/nothing");
  });

  test("is not found where there is none", async () => {
    const taskrun = await started();
    const url = await listening(createServer(taskrun.handler({ prefix: "/taskrun" })));

    expect((await fetch(`${url}/health`)).status).toBe(404);
    expect((await fetch(`${url}/taskrun/nothing`)).status).toBe(404);
    expect((await fetch(`${url}/taskrun/health/ready`, { method: "DELETE" })).status).toBe(405);
    expect(await (await fetch(`${url}/taskrun`)).text()).toContain("TaskRun control plane");
  });
});

test("a body that was parsed before is refused at once, with the way out", async () => {
  const errors: string[] = [];
  const nothing = () => {};
  const log = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (text: string) => void errors.push(text),
  };
  const taskrun = await started({ log });
  const app = express().use(express.json()).use("/taskrun", taskrun.handler());
  const url = await listening(createServer(app));
  const method = `${url}/taskrun/taskrun.v1.TaskService/CreateTask`;
  const answer = await fetch(method, { method: "POST", headers: json, body: JSON.stringify(ask) });

  expect(answer.status).toBe(500);
  expect(await answer.text()).toContain("mount its handler before anything that parses bodies");
  expect(errors).toHaveLength(1);
});

describe("hosts", () => {
  const get = async (url: string, headers: Record<string, string>): Promise<number> => {
    const { request } = await import("node:http");
    return new Promise((resolve, reject) => {
      request(`${url}/health/live`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on("error", reject)
        .end();
    });
  };

  test.each([
    [[], "api.example", undefined, 403],
    [["api.example"], "API.example:443", undefined, 200],
    [["api.example"], "other.example", undefined, 403],
    [["*"], "whatever.example", undefined, 200],
    [["*"], "api.example", "https://evil.example", 403],
    [["*"], "api.example", "https://api.example", 200],
    [["*", "app.example"], "api.example", "https://app.example", 200],
    [["api.example"], "api.example", "https://evil.example", 403],
  ] as const)("of %j, %s from the page %s gets %i", async (allowedHosts, host, origin, status) => {
    const taskrun = await started();
    const url = await listening(createServer(taskrun.handler({ allowedHosts })));

    expect(await get(url, { host, ...(origin && { origin }) })).toBe(status);
  });
});

test("pages of an allowed origin may call a handler, and read what it answers", async () => {
  const taskrun = await started({ agents: [greet] });
  const page = "https://app.example";
  const app = express()
    .use((_, response, next) => {
      response.setHeader("vary", "Accept-Encoding");
      next();
    })
    .use("/taskrun", taskrun.handler({ allowedOrigins: [`${page}/`] }));
  const url = `${await listening(createServer(app))}/taskrun`;
  const method = `${url}/taskrun.v1.TaskService/CreateTask`;
  const asked = { origin: page, "access-control-request-method": "POST" };
  const preflight = await fetch(method, { method: "OPTIONS", headers: asked });
  const made = await fetch(method, {
    method: "POST",
    headers: { ...json, origin: page },
    body: JSON.stringify(ask),
  });
  const { id } = (await made.json()) as { id: string };
  const events = await fetch(`${url}/v1/tasks/${id}/events`, {
    headers: { origin: page, accept: "text/event-stream" },
  });
  const refused = await fetch(method, { method: "OPTIONS", headers: { ...asked, origin: `${page}:8443` } });

  expect([preflight.status, made.status, events.status, refused.status]).toEqual([204, 200, 200, 403]);
  for (const { headers } of [preflight, made, events]) {
    expect(headers.get("access-control-allow-origin")).toBe(page);
    expect(headers.get("vary")).toMatch(/^Accept-Encoding, Origin\b/);
  }
  expect(await events.text()).toMatch(
    /event: output\ndata: .*"Hello Ada\\n".*\n\n[\s\S]*event: end\ndata: {}\n\n$/,
  );
  expect(refused.headers.get("access-control-allow-origin")).toBe(null);
});

test("a stop lets requests finish, ends streams, and refuses what comes after", async () => {
  const taskrun = await started({ agents: [sleep] });
  const url = await listening(createServer(taskrun.handler()));
  const client = connectClient(TaskService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
  const { id } = await client.createTask({ agentName: "sleep", inputJson: "{}" });
  const watched = (async () => {
    for await (const _ of client.watchTask({ id }));
  })();
  const ended = watched.catch((error: unknown) => error);
  await taskrun.stop();

  expect(await ended).toMatchObject({ rawMessage: "server draining" });
  expect((await fetch(`${url}/health/ready`)).status).toBe(503);
  await expect(client.getTask({ id })).rejects.toMatchObject({ rawMessage: "server draining" });
});

test.each([
  ["HTTP/1.1", (handler: (...given: never[]) => void) => createServer(handler as never)],
  ["HTTP/2", (handler: (...given: never[]) => void) => createHttp2(handler as never)],
])(
  "a peer over %s that has gone before the handler is called is not waited for at the stop",
  async (_, serverOf) => {
    const taskrun = await started();
    const handle = taskrun.handler();
    let called: () => void = () => {};
    const wasCalled = new Promise<void>((resolve) => {
      called = resolve;
    });
    // As an authentication that asks somebody else first.
    const server = serverOf((...[request, response]: Parameters<typeof handle>) => {
      response.once("close", () => {
        setImmediate(() => {
          handle(request, response);
          called();
        });
      });
    });
    const socket = netConnect(Number(new URL(await listening(server)).port), "127.0.0.1");
    if (server instanceof HttpServer) socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    else {
      const session = connect("http://127.0.0.1", { createConnection: () => socket });
      session.on("error", () => {});
      session.request({ ":path": "/health" }).on("error", () => {});
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await wasCalled;

    const before = performance.now();
    await taskrun.stop();
    expect(performance.now() - before).toBeLessThan(5_000);
  },
);

test("a peer that leaves an HTTP/2 connection in the middle harms nobody", async () => {
  const taskrun = await started({ agents: [greet] });
  const url = await listening(createHttp2(taskrun.handler()));
  for (let i = 0; i < 20; i++) {
    const session = connect(url);
    session.on("error", () => {});
    const path = "/taskrun.v1.TaskService/CreateTask";
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/json" });
    stream.on("error", () => {});
    stream.write("{");
    await new Promise((resolve) => setTimeout(resolve, 2));
    session.destroy();
  }

  await expectServed(url, "2");
});
