/** Rpcs as operations on paths: what every one of them has in common. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { text as textOf } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limits } from "#limits/index";
import { type Opened, open } from "../kit/open.js";

let opened: Opened;

beforeEach(async () => {
  opened = await open();
});

afterEach(() => opened.gateway.close(1_000));

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${opened.httpPort}${path}`, init);
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return ask(path, {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json", ...headers },
  });
}

test("a list is read by GET, and is known by its tag", async () => {
  const first = await ask("/v1/workers?agent_name=echo");
  expect([first.status, first.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(JSON.parse(first.text)).toHaveProperty("workers");
  const tag = first.headers.get("etag") ?? "";
  expect(first.headers.get("cache-control")).toBe("private, no-cache");

  for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const again = await ask("/v1/workers?agent_name=echo", { headers: { "if-none-match": known } });
    expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", tag]);
  }
  expect((await ask("/v1/workers?agent_name=echo", { headers: { "if-none-match": '"other"' } })).status).toBe(
    200,
  );
});

test("what is wrong is said by the name of the parameter, field or header", async () => {
  const cases: [Promise<Answer>, number, string, string][] = [
    [ask("/v1/workers?agnt_name=echo"), 400, "BAD_REQUEST", "did you mean agent_name?"],
    [ask("/v1/workers/none"), 404, "NOT_FOUND", "none"],
    [post("/v1/tasks/x:retry", "{"), 400, "BAD_REQUEST", "not JSON"],
    [post("/v1/tasks/x:retry", { idempotencyKy: "x" }), 400, "BAD_REQUEST", "did you mean idempotencyKey?"],
    [post("/v1/tasks/x:retry", { id: "y" }), 400, "BAD_REQUEST", "id is another one"],
    [
      post("/v1/tasks/x:retry", "{}", { "content-type": "text/plain" }),
      400,
      "BAD_REQUEST",
      "send application/json",
    ],
    [
      post("/v1/tasks/x:retry", "{}", { "content-encoding": "br" }),
      400,
      "BAD_REQUEST",
      "send the body as it is",
    ],
    [post("/v1/tasks/x:retry", " ".repeat(limits.messageBytes + 1)), 400, "BAD_REQUEST", "longer than"],
  ];
  for (const [answer, status, code, words] of cases) {
    const { status: got, text, headers } = await answer;
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    expect([got, error.code, headers.get("content-type")]).toEqual([
      status,
      code,
      "application/problem+json",
    ]);
    expect(error.message).toContain(words);
  }
});

test("another method of a path is told which ones it takes", async () => {
  const { status, headers } = await ask("/v1/workers", { method: "PATCH" });
  expect([status, headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("what no operation answers is a failure in their form, and plain text elsewhere", async () => {
  const stream = { accept: "application/json", "last-event-id": "1" };
  for (const [path, init, status, code, error] of [
    ["/v1/nothing", {}, 404, "NOT_FOUND", "NOT_FOUND"],
    ["/v1/workers", { method: "PATCH" }, 405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED"],
    ["/config", { method: "POST" }, 405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED"],
    ["/v1/workers", { headers: { origin: "https://evil.example" } }, 403, "PERMISSION_DENIED", "FORBIDDEN"],
    ["/v1/tasks/x/events", { headers: stream }, 406, "INVALID_ARGUMENT", "NOT_ACCEPTABLE"],
  ] as const) {
    const { text, headers, ...got } = await ask(path, init);
    expect([got.status, headers.get("content-type")], path).toEqual([status, "application/problem+json"]);
    const { detail, ...problem } = JSON.parse(text);
    expect(problem).toMatchObject({ status, code, error: { code: error, message: detail } });
    expect(detail).toMatch(/\.$/);
  }
  const page = await ask("/nothing");
  expect([page.status, page.headers.get("content-type")]).toEqual([404, "text/plain; charset=utf-8"]);
});

test("the headers of a read can be asked for alone", async () => {
  for (const path of ["/v1/workers", "/v1/tasks", "/config", "/v1/workers/none"]) {
    const [read, alone] = [await ask(path), await ask(path, { method: "HEAD" })];
    const { status, headers } = await headOverHttp2(path);
    expect([alone.status, alone.text, status], path).toEqual([read.status, "", read.status]);
    for (const name of ["etag", "content-type", "content-length", "cache-control"]) {
      expect(alone.headers.get(name), name).toBe(read.headers.get(name));
      expect(headers[name] ?? null, name).toBe(read.headers.get(name));
    }
  }
  const tag = (await ask("/v1/workers", { method: "HEAD" })).headers.get("etag") ?? "";
  expect((await ask("/v1/workers", { method: "HEAD", headers: { "if-none-match": tag } })).status).toBe(304);
  expect((await ask("/v1/tasks/x/cancel", { method: "HEAD" })).status).toBe(404);
});

test("a header may have the idempotency key", async () => {
  const same = await post("/v1/tasks/x:retry", { idempotency_key: "k" }, { "idempotency-key": "l" });
  expect([same.status, JSON.parse(same.text).field]).toEqual([400, "idempotency_key"]);
});

interface Refused {
  readonly status: number;
  readonly reason: string;
}

/** Asks over HTTP/1.1 as no fetch does: a body with any method, of a length that need not be said. */
async function askWith(method: string, path: string, body: string, isChunked: boolean): Promise<Refused> {
  const headers = isChunked
    ? { "transfer-encoding": "chunked" }
    : { "content-length": Buffer.byteLength(body) };
  const json = { "content-type": "application/json", ...headers };
  const asked = request({ host: "127.0.0.1", port: opened.httpPort, method, path, headers: json }).end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, reason: JSON.parse(await textOf(response)).reason };
}

/** The same over HTTP/2, which need not say that there is a body. */
async function askOverHttp2(method: string, path: string, body: string): Promise<Refused> {
  const session = connect(`http://127.0.0.1:${opened.httpPort}`);
  const stream = session.request({ ":method": method, ":path": path }, { endStream: false });
  stream.end(body);
  const [headers] = (await once(stream, "response")) as [Record<string, unknown>];
  const { reason } = JSON.parse(await textOf(stream));
  session.close();
  return { status: Number(headers[":status"]), reason };
}

async function headOverHttp2(
  path: string,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
  const session = connect(`http://127.0.0.1:${opened.httpPort}`);
  const stream = session.request({ ":method": "HEAD", ":path": path });
  const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
  expect(await textOf(stream)).toBe("");
  session.close();
  return { status: Number(headers[":status"]), headers };
}

test("a body that a read or a DELETE would lose is refused before anything is done", async () => {
  const refused = { status: 400, reason: "BODY_UNEXPECTED" };
  for (const [method, path] of [
    ["DELETE", "/v1/tasks/x"],
    ["DELETE", "/v1/keys/x"],
    ["GET", "/v1/workers"],
    ["GET", "/v1/tasks"],
    ["GET", "/v1/tasks/x/output"],
  ] as const) {
    const body = '{"reason":"x"}';
    expect(await askWith(method, path, body, false), path).toEqual(refused);
    expect(await askWith(method, path, body, true), path).toEqual(refused);
    expect(await askOverHttp2(method, path, body), path).toEqual(refused);
  }
  expect((await askWith("DELETE", "/v1/tasks/x", "", false)).status).toBe(404);
});
