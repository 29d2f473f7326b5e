/** Tokens with which a page reads the events of one Task, without a header. */
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Access, openAccess } from "#api/access/open-access";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import { policy, watchTokenRoutes } from "#gateway/access/policy";
import { createLog, logPort } from "#host/log";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import { sharedMemory } from "#stores/memory/shared";
import { AccessService, CreateWatchTokenRequestSchema } from "#wire/gen/taskrun/v1/access_service_pb";
import { openEvents } from "../kit/event-stream.js";
import { grpcJsMount } from "../kit/mounts.js";
import { type Opened, open } from "../kit/open.js";
import { prepare } from "../kit/samples.js";

let now = instant(1_000_000);
let memory: ReturnType<typeof sharedMemory>;
let access: Access;
let opened: Opened;

const clock = { now: () => now, wakeAt: () => () => {} };
const accessOver = (store: ReturnType<typeof memory.open>) =>
  openAccess({
    ...{ store, clock, log: silentTelemetry().log, retention: limits.keyRetention },
    wakes: { publish: () => {}, hear: () => {} },
    first: async () => {},
  });

beforeEach(async () => {
  now = instant(1_000_000);
  memory = sharedMemory(() => now);
  access = await accessOver(memory.open());
  opened = await open({ keys: access.keys, watchTokens: access.watchTokens });
  await prepare(opened.plane);
});
afterEach(async () => {
  await access.close();
  await opened.gateway.close(1_000);
  expect(opened.errors).toEqual([]);
});

const keyOf = (role: "viewer" | "worker", namespaces: readonly string[] = ["default"]) =>
  access.keys.make(LOCAL_CALLER, { name: role, role, namespaces, ttl: millis(3_600_000) });

async function ask(key: string, id = "cancel-me") {
  const mount = grpcJsMount(opened);
  const request = create(CreateWatchTokenRequestSchema, { id });
  const { createWatchToken } = AccessService.method;
  const { answers, error } = await mount.call(createWatchToken, [request], 1, { "x-api-key": key });
  mount.close();
  const [answer] = answers as unknown as { token: string; expiresAtMs: bigint }[];
  return { token: answer?.token ?? "", expiresAtMs: answer?.expiresAtMs, error };
}

const eventsBy = (query: string, id = "cancel-me", headers: Record<string, string> = {}) =>
  openEvents(`http://127.0.0.1:${opened.httpPort}/v1/tasks/${id}/events?${query}`, headers);

async function refusalOf(query: string, id?: string) {
  const events = await eventsBy(query, id);
  const { status } = events;
  if (status === 200) {
    events.close();
    return { status };
  }
  return { status, ...(JSON.parse(await events.text()) as { reason: string; detail: string }) };
}

test("a token that a key has got opens the events of its Task, for a minute, on any server of the store", async () => {
  const { text } = await keyOf("viewer");
  const { token, expiresAtMs } = await ask(text);
  expect(Number(expiresAtMs)).toBe(now + 60_000);
  expect(token).toMatch(/^trw\.[\w-]+\.[\w-]{43}$/);
  const events = await eventsBy(`access_token=${token}&after=0`);
  expect(events.status).toBe(200);

  const elsewhere = await accessOver(memory.open());
  expect(elsewhere.watchTokens.callerOf(token, "cancel-me")).toMatchObject({ roles: ["viewer"] });

  now = instant(now + 59_999);
  await access.keys.refresh();
  expect(await refusalOf(`access_token=${token}`)).toEqual({ status: 200 });
  now = instant(now + 1);
  expect(await refusalOf(`access_token=${token}`)).toMatchObject({
    status: 401,
    reason: "CREDENTIAL_EXPIRED",
  });
  // What was opened with it goes on.
  expect(events.response.complete).toBe(false);
  events.close();
});

test("it opens nothing else: no other Task, no other path, and no rpc", async () => {
  const { text } = await keyOf("viewer");
  const { token } = await ask(text);
  const wrong = await refusalOf(`access_token=${token}`, "done");
  expect(wrong).toMatchObject({ status: 401, reason: "CREDENTIAL_INVALID" });
  const asKey = (path: string, headers: Record<string, string>) =>
    fetch(`http://127.0.0.1:${opened.httpPort}${path}`, { headers }).then(({ status }) => status);
  const metrics = await fetch(`http://127.0.0.1:${opened.httpPort}/metrics?access_token=${token}`);
  expect([metrics.status, ((await metrics.json()) as { reason: string }).reason]).toEqual([
    401,
    "CREDENTIAL_MISSING",
  ]);
  expect(await asKey("/v1/tasks/cancel-me/events", { "x-api-key": token })).toBe(401);
  expect((await ask(token)).error).toMatchObject({ code: 16, reason: "CREDENTIAL_INVALID" });
  expect([...watchTokenRoutes].map((route) => policy.get(route))).toEqual(["tasks:read"]);
});

test("one that was changed, cut off, made up or made by another secret is refused in the same words", async () => {
  const { text } = await keyOf("viewer");
  const { token } = await ask(text);
  const [prefix, body = "", mac = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as unknown[];
  const forged = Buffer.from(JSON.stringify([...claims.slice(0, 5), now + 3_600_000])).toString("base64url");
  const other = await accessOver(sharedMemory(() => now).open());
  const foreign = other.watchTokens.make(LOCAL_CALLER, "cancel-me" as TaskId, "default");
  const first = await refusalOf("access_token=nonsense");
  expect(first).toMatchObject({ status: 401, reason: "CREDENTIAL_INVALID" });
  for (const each of [
    `${prefix}.${forged}.${mac}`,
    `${prefix}.${body}.${mac.slice(0, -1)}`,
    `${prefix}.${body}.${"A".repeat(43)}`,
    `${prefix}..${mac}`,
    foreign.token,
    `trw.${"a".repeat(9_000)}.${mac}`,
  ]) {
    expect(await refusalOf(`access_token=${each}`)).toEqual(first);
  }
  expect(await refusalOf("access_token=")).toEqual(first);
});

test("it is made for nobody who may not read the Task, and ends with the key it was made with", async () => {
  const elsewhere = await keyOf("viewer", ["elsewhere"]);
  expect((await ask(elsewhere.text)).error).toMatchObject({ code: 5 });
  expect((await ask(elsewhere.text, "unknown")).error).toMatchObject({ code: 5 });
  const worker = await keyOf("worker");
  expect((await ask(worker.text)).error).toMatchObject({ code: 7, reason: "SCOPE_MISSING" });

  const { text, row } = await keyOf("viewer");
  const { token } = await ask(text);
  const events = await eventsBy(`access_token=${token}`);
  await access.keys.revoke(LOCAL_CALLER, row.id);
  await events.ended;
  expect(events.reader.comments.join()).toContain("the API key was revoked");
  expect(await refusalOf(`access_token=${token}`)).toMatchObject({
    status: 401,
    reason: "CREDENTIAL_REVOKED",
  });
});

test("a header counts before it, and where nobody is asked for a credential it is ignored", async () => {
  const { text } = await keyOf("viewer");
  const events = await eventsBy("access_token=nonsense", "cancel-me", { "x-api-key": text });
  expect(events.status).toBe(200);
  events.close();
  const plain = await open();
  await prepare(plain.plane);
  const url = `http://127.0.0.1:${plain.httpPort}/v1/tasks/done/events?access_token=nonsense`;
  const response = await fetch(url);
  expect(response.status).toBe(200);
  await response.body?.cancel();
  await plain.gateway.close(1_000);
});

test("neither an answer nor the log shows a token or a key, whatever goes wrong with the request", async () => {
  const { text } = await keyOf("viewer");
  const { token } = await ask(text);
  const lines: string[] = [];
  const log = createLog({ level: "trace", readable: false, sink: { write: (line) => lines.push(line) } });
  const port = logPort(log);
  // As a library might: an error that has the whole URL in it.
  port.error("a request failed", { err: new Error(`GET /v1/tasks/t/events?access_token=${token}&after=1`) });
  port.warn(`by ${text}`, { url: `/events?access_token=secret%20one&after=2`, access_token: "whole" });
  expect(lines.join("")).toContain("access_token=[redacted]&after=2");
  for (const secret of [token, text, "secret%20one", "whole"]) expect(lines.join("")).not.toContain(secret);

  for (const query of [
    `access_token=${token}x`,
    `access_token=${token}&after=x`,
    `access_token=${token}&more=1`,
  ]) {
    const events = await eventsBy(query);
    expect(events.status).toBeGreaterThanOrEqual(400);
    expect(await events.text()).not.toContain(token.slice(0, 20));
  }
  const none = await fetch(`http://127.0.0.1:${opened.httpPort}/v1/tasks?access_token=${token}`);
  expect(await none.text()).not.toContain(token);
});
