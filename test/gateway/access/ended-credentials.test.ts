/** What is open when a credential ends: streams and waits of every kind, over every mount. */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import { InspectionHub } from "#inspect/hub";
import { memoryStore } from "#stores/memory/index";
import { RunClientMessageSchema, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import {
  TaskService,
  WaitTaskRequestSchema,
  WatchTaskRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { openEvents } from "../kit/event-stream.js";
import { allMounts, type Mount, type Seen } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { prepare } from "../kit/samples.js";

const HOUR = millis(3_600_000);
const id = "cancel-me" as TaskId;
let now = instant(1_000_000);
let keys: KeyRing;
let opened: Opened;
let mounts: readonly Mount[];

beforeEach(async () => {
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  now = instant(1_000_000);
  keys = new KeyRing({ store: credentials, now: () => now });
  const telemetry = { count: () => {}, observe: () => {}, gauge: () => {}, log: console };
  opened = await open({ keys, inspection: new InspectionHub({ telemetry, payloads: false }) });
  mounts = allMounts(opened);
  await prepare(opened.plane);
});
afterEach(async () => {
  for (const mount of mounts) mount.close();
  await opened.gateway.close(1_000);
  expect(opened.errors).toEqual([]);
});

const keyOf = (role: string, ttl = HOUR) =>
  keys.make(LOCAL_CALLER, { name: role, role, namespaces: "*", ttl });

/** Over HTTP/1.1 a stream of requests is answered when all has been asked. */
const carries = ({ name }: Mount, { methodKind }: DescMethod) =>
  methodKind !== "bidi_streaming" || name !== "connect over HTTP/1.1";

const kinds: readonly (readonly [string, string, DescMethod, () => Message, () => number])[] = [
  [
    "a watch",
    "viewer",
    TaskService.method.watchTask,
    () => create(WatchTaskRequestSchema, { id }),
    () => opened.plane.watchers,
  ],
  [
    "a wait",
    "viewer",
    TaskService.method.waitTask,
    () => create(WaitTaskRequestSchema, { id }),
    () => opened.plane.waiters.count,
  ],
  [
    "a worker's stream",
    "worker",
    RunService.method.streamConnect,
    () =>
      create(RunClientMessageSchema, {
        payload: { case: "hello", value: { info: { workerId: "w-1" }, protocol: 1 } },
      }),
    () => opened.plane.sinks.length - opened.plane.closedLinks,
  ],
];

test.each(kinds)(
  "%s ends with UNAUTHENTICATED when its key is revoked, over every mount",
  async (_, role, method, request, open_) => {
    const over = mounts.filter((mount) => carries(mount, method));
    const [first, second] = [await keyOf(role), await keyOf(role)];
    const call = (mount: Mount, text: string) =>
      mount.call(method, [request()], undefined, { "x-api-key": text });
    const ended: Promise<Seen>[] = [];
    for (const mount of over) {
      ended.push(call(mount, first.text));
      await expect.poll(open_).toBe(ended.length);
    }
    const other = call(over[0] as Mount, second.text);
    await expect.poll(open_).toBe(ended.length + 1);

    await keys.revoke(LOCAL_CALLER, first.row.id);
    for (const [i, each] of ended.entries()) {
      const { error } = await each;
      expect(error, over[i]?.name).toMatchObject({ code: 16, reason: "CREDENTIAL_REVOKED" });
      expect(error?.message).toContain("the API key was revoked: use another one");
    }
    // What another key has opened goes on.
    await expect.poll(open_).toBe(1);
    await keys.revoke(LOCAL_CALLER, second.row.id);
    await other;
    await expect.poll(open_).toBe(0);
  },
);

test("a watch ends when its key expires, and the reason says so", async () => {
  const { text } = await keyOf("viewer", millis(5_000));
  const [mount] = mounts as [Mount];
  const request = create(WatchTaskRequestSchema, { id });
  const watched = mount.call(TaskService.method.watchTask, [request], undefined, { "x-api-key": text });
  await expect.poll(() => opened.plane.watchers).toBe(1);
  now = instant(now + 4_999);
  keys.announce();
  expect(opened.plane.watchers).toBe(1);
  now = instant(now + 1);
  keys.announce();
  expect((await watched).error).toMatchObject({ code: 16, reason: "CREDENTIAL_EXPIRED" });
});

test.each(["/v1/tasks/cancel-me/events", "/inspect/events"])(
  "the events of %s end when their key is revoked; who comes back is refused",
  async (path) => {
    const { text, row } = await keyOf("admin");
    const headers = { "x-api-key": text };
    const url = `http://127.0.0.1:${opened.httpPort}${path}`;
    const events = await openEvents(url, headers);
    expect(events.status).toBe(200);
    await keys.revoke(LOCAL_CALLER, row.id);
    await events.ended;
    expect(events.reader.comments.join()).toContain("the API key was revoked");
    const again = await openEvents(url, { ...headers, "last-event-id": "1" });
    expect(again.status).toBe(401);
    expect(JSON.parse(await again.text())).toMatchObject({ reason: "CREDENTIAL_REVOKED" });
  },
);

test("what a replaced key has opened ends with the overlap, and what its successor has opened goes on", async () => {
  const old = await keyOf("viewer");
  const next = await keys.rotate(LOCAL_CALLER, old.row.id, millis(5_000));
  const [mount] = mounts as [Mount];
  const watch = (text: string) => {
    const request = create(WatchTaskRequestSchema, { id });
    return mount.call(TaskService.method.watchTask, [request], undefined, { "x-api-key": text });
  };
  const [watched, goesOn] = [watch(old.text), watch(next.text)];
  await expect.poll(() => opened.plane.watchers).toBe(2);
  now = instant(now + 5_000);
  keys.announce();
  expect((await watched).error).toMatchObject({ code: 16, reason: "CREDENTIAL_EXPIRED" });
  await expect.poll(() => opened.plane.watchers).toBe(1);
  await keys.revoke(LOCAL_CALLER, next.row.id);
  expect((await goesOn).error).toMatchObject({ code: 16, reason: "CREDENTIAL_REVOKED" });
});
