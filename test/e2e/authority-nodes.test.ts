/** Workers that are known by certificates, on servers that share a PostgreSQL: revoked, renewed, and rotated to another authority. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, type TaskRunClient } from "#client/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { Proc, Stage, until } from "./kit/harness.js";

interface Node {
  readonly proc: Proc;
  readonly data: string;
  readonly addr: string;
  readonly caPin: string;
}

const stage = new Stage();
const own: Proc[] = [];
const clients: TaskRunClient[] = [];
let postgres: PostgresServer;

/** What a revocation may take to be known everywhere. */
const REVOKED_MS_MAX = 5_000;

test.runIf(noPostgres !== undefined)(noPostgres ?? "PostgreSQL is here", () => {});

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Proc {
  const path = fileURLToPath(new URL(`fixtures/${program}`, import.meta.url));
  const proc = new Proc([path, ...args], stage.dir, env);
  own.push(proc);
  return proc;
}

/** Copies what servers of one plane have in common. */
function copy(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const name of ["ca.pem", "ca.key"]) cpSync(join(from, name), join(to, name));
}

/** @param life of workers' certificates, in milliseconds */
async function node(store: string, first?: Node, life = 86_400_000): Promise<Node> {
  const data = mkdtempSync(join(stage.dir, "node-"));
  if (first) copy(join(first.data, "tls"), join(data, "tls"));
  const proc = run("short-certificates.mjs", [data, String(life)], { TASKRUN_STORE: store });
  const said = await proc.said("its addresses", ({ stdout }) => /^\{.*\}\n/.exec(stdout)?.[0]);
  const { grpc, caPin } = JSON.parse(said) as { grpc: string[]; caPin: string };
  return { proc, data, addr: grpc[0] ?? "", caPin };
}

/** With the first credential, which only the server has that was started first. */
function clientOf({ addr, data }: Node, { data: keys }: Node, file = "ca.pem"): TaskRunClient {
  const apiKey = readFileSync(join(keys, "admin.key"), "utf8").trim();
  const client = createClient({ addr, ca: join(data, "tls", file), apiKey });
  clients.push(client);
  return client;
}

/** A worker with an invitation of its own, that knows these servers. @param again the folder and line of one that was started before */
async function worker(client: TaskRunClient, nodes: readonly Node[], name: string) {
  const [invited] = await client.enrollment.invite({ name });
  const folder = mkdtempSync(join(stage.dir, "worker-"));
  const addr = nodes.map((each) => each.addr).join(",");
  const start = () =>
    run("enrolled-crowd.mjs", [addr, nodes[0]?.caPin ?? "", folder], { TOKENS: invited?.token ?? "" });
  const proc = start();
  await proc.said("it connects", (each) => connections(each) > 0);
  return { proc, start };
}

const connections = ({ stderr }: Proc) => stderr.split('"msg":"connected"').length - 1;

describe.skipIf(noPostgres !== undefined)("an authority of several servers", () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    for (const proc of own) if (!proc.over) proc.signal("SIGKILL");
    await Promise.all(own.map(({ ended }) => ended));
    await stage.end();
    await postgres?.remove();
  });

  test("a revocation ends streams on another server within seconds, and its handshakes", {
    timeout: 240_000,
  }, async () => {
    const store = postgres.url();
    const a = await node(store);
    const b = await node(store, a);
    const { proc, start } = await worker(clientOf(b, a), [b], "w1");
    const began = performance.now();
    await clientOf(a, a).enrollment.revoke("w1");
    await until("its stream ends", () => proc.stderr.includes("was revoked") || proc.over);
    expect(performance.now() - began).toBeLessThan(REVOKED_MS_MAX);
    expect(await proc.ended).not.toBe(0);
    const again = start();
    await again.said("it is refused", ({ stderr }) => stderr.includes('"msg":"no connection to the plane"'));
    expect(connections(again)).toBe(0);
    await again.end("SIGKILL");
    expect(await clientOf(b, a).workers.list()).toEqual([]);
  });

  test("a certificate that one server has signed is renewed over another", { timeout: 240_000 }, async () => {
    const store = postgres.url();
    const life = 20_000;
    const a = await node(store, undefined, life);
    const b = await node(store, a, life);
    const { proc } = await worker(clientOf(a, a), [a, b], "w1");
    await a.proc.end("SIGKILL");
    await proc.said("it is renewed", ({ stderr }) => stderr.includes("the worker's certificate was renewed"));
    await until("it is connected with it", () => connections(proc) >= 2);
    const client = clientOf(b, a);
    await client.tasks.run({ agent: "writer", input: {} });
    await b.proc.end("SIGTERM");
    await proc.end("SIGKILL");
  });

  test("every server has the next key before it signs, and shows it at the end", {
    timeout: 300_000,
  }, async () => {
    const store = postgres.url();
    const a = await node(store);
    const b = await node(store, a);
    const [here, there] = [clientOf(a, a), clientOf(b, a)];
    const workers = [await worker(here, [a, b], "w1"), await worker(there, [b, a], "w2")];
    const { nextCaPin } = await here.authority.rotate("init");
    await expect(here.authority.rotate("update_clients")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
    await until("the other one says what is missing", async () => {
      const { waitingNodes } = await here.authority.get();
      return waitingNodes.length === 1 && waitingNodes[0]?.problem.includes("is missing: copy");
    });
    copy(join(a.data, "tls/next"), join(b.data, "tls/next"));
    const ready = async () => {
      const { waitingNodes, workersWaitedFor } = await there.authority.get();
      return waitingNodes.length + workersWaitedFor === 0;
    };
    for (const phase of ["update_clients", "update_servers", "standby"] as const) {
      await until(`all are ready for ${phase}`, ready, 120_000);
      await there.authority.rotate(phase);
    }
    await until("the other one follows", async () => (await here.authority.get()).caPin === nextCaPin);
    for (const each of [a, b]) {
      await until("its files follow", () => {
        const text = readFileSync(join(each.data, "tls/ca.pem"), "utf8");
        return text === readFileSync(join(b.data, "tls/ca.pem"), "utf8");
      });
      const fresh = createClient({
        addr: each.addr,
        caPin: nextCaPin,
        apiKey: readFileSync(join(a.data, "admin.key"), "utf8").trim(),
      });
      clients.push(fresh);
      await until("it is served by the new one", async () => (await fresh.workers.list()).length === 2);
    }
    await here.tasks.run({ agent: "writer", input: {} });
    for (const { proc } of workers) expect(proc.over, proc.stderr.slice(-2_000)).toBe(false);
  });
});
