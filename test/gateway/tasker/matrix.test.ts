/**
 * Every path of Tasker's REST API: who may ask, what an id leads to that is another's or nobody's, and what a server answers that
 * drains, or has too much to do. What is right and what is wrong in a request is in the tests of the paths.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { authenticate } from "#gateway/access/authenticate";
import { policy } from "#gateway/access/policy";
import { taskerOperations } from "#gateway/tasker/rest/index";
import { type Opened, open } from "../kit/open.js";
import { type Answer, asked, held, holdTask, registerTemplates } from "./kit.js";

/** Credentials, by their keys. */
const callers: Readonly<Record<string, Caller>> = {
  own: { principal: "key:own", namespaces: ["orders"], roles: ["admin"] },
  foreign: { principal: "key:foreign", namespaces: ["other"], roles: ["admin"] },
  narrow: { principal: "key:narrow", namespaces: "*", roles: ["worker"] },
};

let opened: Opened;
/** The same over a server of the host's, which goes on to take requests while the gateway closes. */
let host: Server;

beforeEach(async () => {
  opened = await open({
    identify: authenticate({
      callerOf: (key: string) => {
        const caller = callers[key];
        if (caller) return caller;
        throw new Fault("unauthenticated", "no such key", { reason: "CREDENTIAL_INVALID" });
      },
    }),
  });
  holdTask(opened.plane);
  registerTemplates(opened.plane);
  host = createServer(opened.gateway.handler()).listen(0, "127.0.0.1");
  await once(host, "listening");
});

afterEach(async () => {
  vi.restoreAllMocks();
  host.closeAllConnections();
  host.close();
  await opened.gateway.close(1_000);
});

/** A request of each path that is right. */
const requests: Readonly<Record<string, readonly [path: string, body?: unknown]>> = {
  "POST /v1/tasks": ["/v1/tasks", { name: "fulfil", namespace: "orders" }],
  "GET /v1/tasks": ["/v1/tasks?namespace=orders"],
  "GET /v1/tasks/{id}": [`/v1/tasks/${held}`],
  "DELETE /v1/tasks/{id}": [`/v1/tasks/${held}`],
  "GET /v1/tasks/{id}/summary": [`/v1/tasks/${held}/summary`],
  "GET /v1/tasks/{id}/workflow_steps": [`/v1/tasks/${held}/workflow_steps`],
  "GET /v1/tasks/{id}/workflow_steps/{step}": [`/v1/tasks/${held}/workflow_steps/ship`],
  "PATCH /v1/tasks/{id}/workflow_steps/{step}": [
    `/v1/tasks/${held}/workflow_steps/ship`,
    { action_type: "reset_for_retry" },
  ],
  "GET /v1/tasks/{id}/workflow_steps/{step}/audit": [`/v1/tasks/${held}/workflow_steps/ship/audit`],
  "GET /v1/dlq": ["/v1/dlq?namespace=orders"],
  "GET /v1/dlq/task/{task_uuid}": [`/v1/dlq/task/${held}`],
  "PATCH /v1/dlq/entry/{dlq_entry_uuid}": [`/v1/dlq/entry/${held}`, { resolution_notes: "seen" }],
  "GET /v1/dlq/stats": ["/v1/dlq/stats?namespace=orders"],
  "GET /v1/dlq/investigation-queue": ["/v1/dlq/investigation-queue?namespace=orders"],
  "GET /v1/dlq/staleness": ["/v1/dlq/staleness?namespace=orders"],
  "GET /v1/templates": ["/v1/templates?namespace=orders"],
  "GET /v1/templates/{namespace}/{name}/{version}": ["/v1/templates/orders/fulfil/1.0.0"],
  "GET /v1/analytics/performance": ["/v1/analytics/performance?hours=24"],
  "GET /v1/analytics/bottlenecks": ["/v1/analytics/bottlenecks?limit=10&min_executions=5"],
  "GET /config": ["/config"],
};

const names = taskerOperations.map(({ method, path }) => `${method} ${path}`);

test("each path has a request here", () => {
  expect(Object.keys(requests).toSorted()).toEqual(names.toSorted());
});

function request(name: string, key: string | undefined, change = (path: string) => path): Promise<Answer> {
  const [path, body] = requests[name] as (typeof requests)[string];
  const { port } = host.address() as AddressInfo;
  const headers = key === undefined ? {} : { "x-api-key": key };
  return asked(
    port,
    `${name.split(" ")[0]} ${change(path)}`,
    body,
    headers as Readonly<Record<string, string>>,
  );
}

const codeOf = ({ status, body }: Answer) => [status, body?.error?.code, body?.reason];

describe.each(names)("%s", (name) => {
  const isRead = name.startsWith("GET");
  const isOfOne = name.includes("{");
  const isMissing = name.includes("analytics");
  /** Of the server itself: it is the same for everybody who may see it. */
  const isOfServer = isMissing || name.includes("config");

  test("is answered, and is told of in the document", async () => {
    const { status, headers } = await request(name, "own");
    const type = isMissing ? "application/problem+json" : "application/json";
    expect([status, headers.get("content-type")]).toEqual([isMissing ? 501 : 200, type]);
    const operation = taskerOperations.find(({ method, path }) => name === `${method} ${path}`);
    expect(operation?.documentation).toHaveProperty("summary");
  });

  test("needs a credential, and one with the scope", async () => {
    const none = await request(name, undefined);
    expect(codeOf(none)).toEqual([401, "UNAUTHORIZED", "CREDENTIAL_MISSING"]);
    expect(none.headers.get("x-auth-failure-reason")).toBe("missing");
    const wrong = await request(name, "nobody's");
    expect([wrong.status, wrong.headers.get("x-auth-failure-reason")]).toEqual([401, "invalid"]);
    const narrow = await request(name, "narrow");
    expect(codeOf(narrow)).toEqual([403, "FORBIDDEN", "SCOPE_MISSING"]);
    expect(narrow.headers.get("x-auth-failure-reason")).toBe("insufficient_permissions");
    const operation = taskerOperations.find(({ method, path }) => name === `${method} ${path}`);
    const { parent, name: rpc } = operation?.rpc.method ?? ({} as never);
    expect(narrow.body.metadata.scope).toBe(policy.get(`${parent.typeName}/${rpc}`));
  });

  test("asks who it is before it reads what was sent", async () => {
    const { port } = host.address() as AddressInfo;
    const [path] = requests[name] as (typeof requests)[string];
    if (isRead || name.startsWith("DELETE")) return;
    const answer = await asked(port, `${name.split(" ")[0]} ${path}`, "{ no JSON", { "x-api-key": "narrow" });
    expect(answer.status).toBe(403);
    const own = await asked(port, `${name.split(" ")[0]} ${path}`, "{ no JSON", { "x-api-key": "own" });
    expect([own.status, own.body.error.message]).toEqual([
      400,
      expect.stringContaining("the body is not JSON"),
    ]);
  });

  test("shows nothing of another's namespace: it is as if there were nothing", async () => {
    const foreign = await request(name, "foreign");
    if (isOfServer) return expect(foreign.status).toBe(isMissing ? 501 : 200);
    if (!isOfOne) {
      if (name.startsWith("POST")) return expect([403, 404]).toContain(foreign.status);
      const { body } = foreign;
      return expect(body.tasks ?? body.templates ?? body).toEqual([]);
    }
    const unknown = await request(name, "own", (path) =>
      path.replace(held, "nothing").replace("fulfil", "nothing"),
    );
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect(foreign.body.error.message.replace(held, "nothing").replace("fulfil", "nothing")).toBe(
      unknown.body.error.message,
    );
  });

  test("refuses a parameter that it does not have, by its name", async () => {
    const answer = await request(name, "own", (path) => `${path}${path.includes("?") ? "&" : "?"}zzz=1`);
    expect([answer.status, answer.body.field]).toEqual([400, "zzz"]);
  });

  test(`${isRead ? "is answered" : "is refused"} while the server drains`, async () => {
    const closed = opened.gateway.close(200);
    const answer = await request(name, "own");
    await closed;
    if (isRead) return expect(answer.status).toBe(isMissing ? 501 : 200);
    expect(codeOf(answer)).toEqual([503, "SERVICE_UNAVAILABLE", "DRAINING"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("says when to come again if there is too much to do", async () => {
    if (isOfServer) return;
    const { plane } = opened;
    const busy = () => Promise.reject(new Fault("overloaded", "too much", { retryAfter: millis(3_000) }));
    for (const part of ["task", "tasks", "template", "templates"] as const)
      vi.spyOn(plane.reads, part).mockImplementation(busy);
    for (const part of ["get", "list", "queue", "count"] as const)
      vi.spyOn(plane.reads.deadLetters, part).mockImplementation(busy);
    for (const part of ["cancel", "resolve", "updateDeadLetter"] as const)
      vi.spyOn(plane, part).mockImplementation(busy);
    const answer = await request(name, "own");
    expect([...codeOf(answer), answer.headers.get("retry-after")]).toEqual([
      503,
      "BACKPRESSURE",
      "OVERLOADED",
      "3",
    ]);
    expect(answer.body.error.retry_after_seconds).toBe(3);
  });
});
