/** What the audit log is told of those who are refused. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { createClient, type TaskRunClient } from "#client/index";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { memoryStore } from "#stores/memory/index";
import { type Opened, open } from "../kit/open.js";

const HOUR = millis(3_600_000);
let opened: Opened;
let keys: KeyRing;
const clients: TaskRunClient[] = [];
const store = memoryStore();

beforeEach(async () => {
  if (!store.credentials) throw new Error("the memory store keeps keys");
  keys = new KeyRing({ store: store.credentials, now: () => instant(1_000_000) });
  opened = await open({ keys });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await opened.gateway.close(1_000);
});

function clientWith(apiKey?: string): TaskRunClient {
  const client = createClient({ addr: `127.0.0.1:${opened.grpcPort}`, ...(apiKey && { apiKey }) });
  clients.push(client);
  return client;
}

test("no credential, a scope that is missing, and what is another's are noted, each with who asked for what", async () => {
  const viewer = await keys.make(LOCAL_CALLER, {
    name: "v",
    role: "viewer",
    namespaces: ["mine"],
    ttl: HOUR,
  });
  const admin = await keys.make(LOCAL_CALLER, { name: "a", role: "admin", namespaces: ["mine"], ttl: HOUR });
  await expect(clientWith().workers.list()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await expect(clientWith(viewer.text).keys.list()).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  const foreign = clientWith(admin.text);
  const create = foreign.tasks.create({ agent: "a", input: {}, namespace: "theirs" });
  await expect(create).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  const listing = foreign.audit.list()[Symbol.asyncIterator]().next();
  await expect(listing).rejects.toMatchObject({ code: "PERMISSION_DENIED", reason: "NOT_ALL_NAMESPACES" });

  expect(opened.refused).toMatchObject([
    { actor: "anonymous", action: "key.use", detail: "CREDENTIAL_MISSING" },
    {
      actor: `key:${viewer.row.id}`,
      action: "call",
      object: "taskrun.v1.AccessService/ListKeys",
      detail: "keys:read",
    },
    { actor: `key:${admin.row.id}`, action: "task.create", namespace: "theirs" },
    { actor: `key:${admin.row.id}`, action: "audit.list" },
  ]);
});

test("what is allowed is not noted, and the log is read page by page", async () => {
  const admin = await keys.make(LOCAL_CALLER, { name: "a", role: "admin", namespaces: "*", ttl: HOUR });
  const { audit } = clientWith(admin.text);
  const entries = [];
  for await (const entry of audit.list({ newestFirst: true })) entries.push(entry);
  expect(entries).toMatchObject([
    { chain: "server", seq: 1, actor: "key:a", action: "worker.drain", count: 1 },
  ]);
  expect(opened.refused).toEqual([]);
});
