/** The end of a token ends what it has opened. */
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import { instant } from "#domain/time/time";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import {
  TaskService,
  WaitTaskRequestSchema,
  WatchTaskRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { allMounts, type Mount } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { prepare } from "../kit/samples.js";

const LIFE = 300;
let opened: Opened;
let mounts: readonly Mount[];

beforeAll(async () => {
  const identify = ({ header }: { header(name: string): string | undefined }): Caller => ({
    ...{ principal: "jwt:x", namespaces: "*", roles: ["admin"] },
    ...(header("x-lasts") === undefined && { expiresAt: instant(Date.now() + LIFE) }),
  });
  opened = await open({ identify });
  await prepare(opened.plane);
  opened.plane.logs.set("cancel-me" as never, []);
  mounts = allMounts(opened);
});
afterAll(async () => {
  for (const mount of mounts) mount.close();
  await opened.gateway.close(1_000);
});

const watch = create(WatchTaskRequestSchema, { id: "cancel-me" });
const wait = create(WaitTaskRequestSchema, { id: "cancel-me", waitMs: 60_000n });
const info = { workerId: "w" };
const hello = create(RunClientMessageSchema, {
  payload: { case: "hello", value: { info, protocol: 1 } },
} as never);

test.each([
  ["a watch", TaskService.method.watchTask, watch],
  ["a wait", TaskService.method.waitTask, wait],
  ["a worker's stream", RunService.method.streamConnect, hello],
] as const)("ends %s, over every mount", async (_, method, request) => {
  const carrying = mounts.filter(
    ({ name }) => method.methodKind !== "bidi_streaming" || name !== "connect over HTTP/1.1",
  );
  await Promise.all(
    carrying.map(async (mount) => {
      const began = Date.now();
      const { error } = await mount.call(method, [request]);
      expect(error, mount.name).toMatchObject({ code: 16, reason: "CREDENTIAL_EXPIRED" });
      expect(Date.now() - began, mount.name).toBeGreaterThanOrEqual(LIFE - 50);
    }),
  );
});

test("ends an event stream", async () => {
  const url = `http://127.0.0.1:${opened.httpPort}/v1/tasks/cancel-me/events`;
  const response = await fetch(url, { headers: { accept: "text/event-stream" } });
  expect(response.status).toBe(200);
  expect(await response.text()).toContain("has expired");
});

test("of a caller without an end nothing ends", async () => {
  const url = `http://127.0.0.1:${opened.httpPort}/v1/tasks/cancel-me/events`;
  const response = await fetch(url, { headers: { "x-lasts": "1", accept: "text/event-stream" } });
  const ended = response.text().then(
    () => "ended",
    () => "cut",
  );
  const later = new Promise((resolve) => setTimeout(() => resolve("goes on"), LIFE * 2));
  expect(await Promise.race([ended, later])).toBe("goes on");
});
