import { afterAll, beforeAll, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { memoryStore } from "#stores/memory/index";
import { type Opened, open } from "../gateway/kit/open.js";
import { taskrun } from "./fake-io.js";

/** The time of the command line in these tests. */
const NOW = 61_000;
const HOUR = 3_600_000;

let opened: Opened;
let keys: KeyRing;
let now = instant(1_000);
let text: string;
let ids: readonly string[];

beforeAll(async () => {
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  keys = new KeyRing({ store: credentials, now: () => now });
  const make = (name: string, role: "admin" | "viewer" | "worker", ttl: number) =>
    keys.make(LOCAL_CALLER, {
      name,
      role,
      namespaces: role === "worker" ? ["a", "b"] : "*",
      ttl: millis(ttl),
    });
  const admin = await make("first", "admin", 2 * HOUR);
  now = instant(2_000);
  const expired = await make("short", "viewer", 10_000);
  now = instant(3_000);
  const revoked = await make("gpu fleet", "worker", HOUR);
  now = instant(31_000);
  await keys.revoke(LOCAL_CALLER, revoked.row.id);
  text = admin.text;
  ids = [revoked.row.id, expired.row.id, admin.row.id];
  opened = await open({ keys });
});
afterAll(() => opened.gateway.close(1_000));

const run = (words: readonly string[]) =>
  taskrun(["key", ...words, "--addr", `127.0.0.1:${opened.grpcPort}`], { env: { TASKRUN_API_KEY: text } });

test("key list shows of each key what it may do, until when, and when it was used last", async () => {
  now = instant(NOW - 500);
  const { code, stdout } = await run(["list"]);
  expect(code).toBe(0);
  const shown = ids.reduce((all, id, i) => all.replace(id, `KEY-${i}-------`.slice(0, id.length)), stdout);
  expect(shown).toMatchInlineSnapshot(`
    "KEY           ROLE    NAMESPACES  ENDS                USED        MADE BY  NAME
    KEY-0-------  worker  a,b         revoked 30.0 s ago  never       local    gpu fleet
    KEY-1-------  viewer  *           expired 49.0 s ago  never       local    short
    KEY-2-------  admin   *           in 1h 59m           500 ms ago  local    first
    "
  `);
});

test("key list --json has the instants themselves", async () => {
  const { stdout } = await run(["list", "--json"]);
  const listed = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string });
  expect(listed).toMatchObject([
    { name: "gpu fleet", revokedAt: 31_000, lastUsedAt: 0 },
    { name: "short", expiresAt: 12_000 },
    { name: "first", lastUsedAt: NOW - 500 },
  ]);
});

test("key rotate --overlap 24h makes a key in the place of another, which lasts a day more at most", async () => {
  const { code, stdout, stderr } = await run(["rotate", ids[2] ?? "", "--overlap", "24h"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^tr_\w+\n$/);
  expect(stderr).toContain("it is not shown again");
  // It would have ended before.
  const [old] = (await keys.visibleTo(LOCAL_CALLER)).filter(({ id }) => id === ids[2]);
  expect(old?.expiresAt).toBe(1_000 + 2 * HOUR);
});
