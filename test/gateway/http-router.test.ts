import { afterAll, beforeAll, expect, test } from "vitest";
import { Router } from "#gateway/http/router";
import { type Opened, open } from "./kit/open.js";

const router = new Router<string>([
  { methods: "*", path: "/taskrun.v1.TaskService/GetTask", handler: "rpc" },
  { methods: ["GET", "HEAD"], path: "/health", handler: "health" },
  { methods: ["GET"], path: "/v1/tasks/{id}", handler: "get" },
  { methods: ["DELETE"], path: "/v1/tasks/{id}", handler: "cancel" },
  { methods: ["GET"], path: "/v1/tasks/newest", handler: "newest" },
  { methods: ["POST"], path: "/v1/tasks/{id}/steps/{name}", handler: "resolve" },
]);

test.each([
  ["POST", "/taskrun.v1.TaskService/GetTask", "rpc {}"],
  ["GET", "/health", "health {}"],
  ["HEAD", "/health", "health {}"],
  ["POST", "/health", "takes GET, HEAD"],
  ["GET", "/v1/tasks/a%2Fb", 'get {"id":"a/b"}'],
  ["DELETE", "/v1/tasks/x", 'cancel {"id":"x"}'],
  ["PUT", "/v1/tasks/x", "takes GET, DELETE"],
  ["GET", "/v1/tasks/newest", "newest {}"],
  ["DELETE", "/v1/tasks/newest", "takes GET"],
  ["POST", "/v1/tasks/x/steps/main", 'resolve {"id":"x","name":"main"}'],
  ["GET", "/v1/tasks/", "nowhere"],
  ["GET", "/v1/tasks/x/y", "nowhere"],
  ["GET", "/v1/tasks/%E0%A4%A", "nowhere"],
  ["GET", "/v1xtasks/x", "nowhere"],
  ["GET", "/healthy", "nowhere"],
  ["GET", "__proto__", "nowhere"],
])("%s %s leads to: %s", (method, path, expected) => {
  const routed = router.find(method, path);
  const seen = routed.found
    ? `${routed.handler} ${JSON.stringify(routed.parts)}`
    : routed.allowed.length > 0
      ? `takes ${routed.allowed.join(", ")}`
      : "nowhere";

  expect(seen).toBe(expected);
});

let opened: Opened;

beforeAll(async () => {
  opened = await open();
});

afterAll(() => opened.gateway.close(1_000));

async function ask(method: string, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${opened.httpPort}${path}`, { method });
  const allow = response.headers.get("allow");
  return `${response.status}${allow ? ` (${allow})` : ""} ${await response.text()}`;
}

test("another method is refused, and told which ones there are", async () => {
  expect(await ask("POST", "/health")).toBe(
    "405 (GET, HEAD) POST is not served here; /health takes GET, HEAD.\n",
  );
  expect(await ask("HEAD", "/health/live")).toBe("200 ");
  expect(await ask("DELETE", "/taskrun.v1.TaskService/GetTask")).toMatch(/^405 /);
});

test("a path that nobody serves says where to look", async () => {
  expect(await ask("GET", "/nowhere?x=1")).toBe("404 /nowhere is not served here; see / for what is.\n");
  expect(await ask("PUT", "/nowhere")).toBe("404 PUT /nowhere is not served here; see / for what is.\n");
  expect(await ask("POST", "/taskrun.v1.TaskService/Nothing")).toBe(
    "404 POST /taskrun.v1.TaskService/Nothing is not served here; see / for what is.\n",
  );
});
