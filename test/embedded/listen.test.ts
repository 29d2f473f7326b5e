import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { createClient as connectClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { createClient } from "#client/index";
import { Scheduler, WorkerResponseSchema } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { serve } from "#worker/index";
import { folder, greet, started } from "./kit.js";

const data = async () => join(await folder(), "data");

test("with tls auto an address needs the pin and a key, and the process itself needs neither", async () => {
  const kept = await data();
  const taskrun = await started({ data: kept, agents: [greet] });
  const { grpc, http, caPin, adminKey } = await taskrun.listen({
    ...{ grpc: "127.0.0.1:0", http: "127.0.0.1:0", tls: "auto" },
  });
  const [addr = ""] = grpc;
  expect(adminKey).toBe(join(kept, "admin.key"));
  expect(statSync(adminKey ?? "").mode & 0o777).toBe(0o600);
  const apiKey = readFileSync(adminKey ?? "", "utf8").trim();
  if (!caPin) throw new Error("an authority was made");

  const client = createClient({ addr, caPin, apiKey });
  expect(await client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });
  const stranger = createClient({ addr, caPin });
  await expect(stranger.workers.list()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  const other = createClient({ addr, caPin: `sha256:${"0".repeat(64)}`, apiKey });
  await expect(other.workers.list()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  // A key that is made here counts there, and what is made there is seen here.
  expect(await taskrun.client.tasks.run({ agent: "greet", input: { name: "B" } })).toEqual({ greeted: "B" });
  expect((await client.keys.list()).map(({ name }) => name)).toEqual(["first"]);
  await expect(fetch(`http://${http[0]}/health`)).rejects.toThrow();
  for (const each of [client, stranger, other]) each.close();
});

test("addresses at which clients of another system look serve the same plane", async () => {
  const taskrun = await started({ data: await data(), agents: [greet] });
  const { compat, grpc } = await taskrun.listen({ compat: "orchestrator=127.0.0.1:0" });
  expect(grpc).toEqual([]);
  const client = createClient({ addr: `http://${compat?.orchestrator?.[0]}` });
  expect(await client.tasks.run({ agent: "greet", input: { name: "Ada" } })).toEqual({ greeted: "Ada" });
  client.close();
});

test("each call of listen says for its own addresses whether they ask for a key", async () => {
  const taskrun = await started({ data: await data() });
  const [open, closed] = [
    await taskrun.listen({ grpc: "127.0.0.1:0" }),
    await taskrun.listen({ grpc: "127.0.0.1:0", auth: "on" }),
  ];
  expect(open.adminKey).toBeUndefined();
  const asked = async (addr: string | undefined, apiKey?: string) => {
    const client = createClient({ addr: `http://${addr}`, ...(apiKey && { apiKey }) });
    const code = await client.workers.list().then(
      () => "OK",
      (error: { code: string }) => error.code,
    );
    client.close();
    return code;
  };
  expect(await asked(open.grpc[0])).toBe("OK");
  expect(await asked(closed.grpc[0])).toBe("UNAUTHENTICATED");
  const key = readFileSync(closed.adminKey ?? "", "utf8").trim();
  expect(await asked(closed.grpc[0], key)).toBe("OK");
  // The same keys at a further address.
  const further = await taskrun.listen({ http: "127.0.0.1:0", auth: "on" });
  const events = `http://${further.http[0]}/metrics`;
  expect((await fetch(events)).status).toBe(401);
  expect((await fetch(events, { headers: { "x-api-key": key } })).status).toBe(200);
});

test("tokens of an issuer are taken beside keys, and one that is not its own is refused and noted", async () => {
  const kept = await data();
  const { generateKeyPairSync } = await import("node:crypto");
  const { SignJWT } = await import("jose");
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwtKeys = join(await folder(), "issuer.pem");
  writeFileSync(jwtKeys, publicKey.export({ type: "spki", format: "pem" }));
  const taskrun = await started({ data: kept });
  const jwt = {
    jwtKeys,
    jwtIssuer: "https://login.example",
    jwtAudience: ["taskrun"],
    jwtRoleClaim: "groups",
  };
  const { grpc } = await taskrun.listen({
    grpc: "127.0.0.1:0",
    auth: "on",
    ...jwt,
    jwtRoles: { staff: "operator" },
  });
  const token = (audience: string) =>
    new SignJWT({ sub: "ada", groups: ["staff"], namespaces: "*" })
      .setProtectedHeader({ alg: "EdDSA" })
      .setIssuer("https://login.example")
      .setAudience(audience)
      .setExpirationTime("1h")
      .sign(privateKey);
  const by = async (apiKey: string) => {
    const client = createClient({ addr: `http://${grpc[0]}`, apiKey });
    return client.workers.list().finally(() => client.close());
  };
  expect(await by(await token("taskrun"))).toEqual([]);
  await expect(by(await token("another"))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await expect(taskrun.listen({ grpc: "127.0.0.1:0", auth: "on", jwtKeys })).rejects.toThrow(/jwt-issuer/);
  await taskrun.stop();
  const again = await started({ data: kept });
  const entries = [];
  for await (const { actor, action, result } of again.client.audit.list())
    entries.push(`${actor} ${action} ${result}`);
  expect(entries).toEqual(
    expect.arrayContaining([
      "local key.create done",
      "local policy.change done",
      "anonymous key.use refused",
    ]),
  );
});

test("the audit log of an embedded plane is that of a server: signed, in the commit of each action, of its own client too", async () => {
  const kept = await data();
  const checkpoints = join(await folder(), "elsewhere");
  const taskrun = await started({ data: kept, auditCheckpoints: checkpoints });
  await taskrun.listen({ grpc: "127.0.0.1:0", tls: "auto" });
  const [invitation] = await taskrun.client.enrollment.invite({ name: "w1" }).catch(() => []);
  // Workers are invited at an address that asks for credentials, and not from within.
  expect(invitation).toBeUndefined();
  const { id } = await taskrun.client.tasks.create({ agent: "nobody", input: {} });
  await taskrun.client.tasks.resolveStep(id, "main", { action: "complete", result: 1 });
  const entries = [];
  for await (const { actor, action, object } of taskrun.client.audit.list())
    entries.push(`${actor} ${action} ${object}`);
  expect(entries).toEqual([
    expect.stringMatching(/^local key\.create key \w{12}$/),
    "local policy.change server",
    "local ca.change ca",
    `local step.resolve step ${id}/main`,
  ]);
  await taskrun.stop();
  const { readCheckpoint } = await import("#host/audit/signature");
  expect(readCheckpoint(readFileSync(checkpoints, "utf8").trim())).toMatchObject({ chain: "server", seq: 4 });
  expect(existsSync(join(kept, "audit.checkpoints"))).toBe(false);
});

test("a plane over another store writes no file unless it is told to", async () => {
  // A server may have been started in this folder.
  const had = existsSync(".taskrun/audit.key");
  const taskrun = await started({ store: "memory" });
  const { id } = await taskrun.client.tasks.create({ agent: "nobody", input: {} });
  await taskrun.client.tasks.resolveStep(id, "main", { action: "complete", result: 1 });
  const entries = [];
  for await (const { action } of taskrun.client.audit.list()) entries.push(action);
  expect(entries).toEqual(["step.resolve"]);
  await taskrun.stop();
  expect(existsSync(".taskrun/audit.key")).toBe(had);
});

test("a worker is invited and enrolled at an address with TLS", async () => {
  const taskrun = await started({ data: await data(), agents: [greet] });
  const { grpc, caPin, adminKey } = await taskrun.listen({ grpc: "127.0.0.1:0", tls: "auto" });
  const apiKey = readFileSync(adminKey ?? "", "utf8").trim();
  const client = createClient({ addr: grpc[0] ?? "", ...(caPin && { caPin }), apiKey });
  const [invitation] = await client.enrollment.invite({ name: "w1" });
  expect(invitation).toMatchObject({ name: "w1", caPin });
  client.close();
});

test("a worker whose key is revoked is cut off, and its run is kept until its lease ends", async () => {
  const taskrun = await started({ data: await data(), lease: "3s", heartbeat: "500ms" });
  const { grpc, adminKey } = await taskrun.listen({ grpc: "127.0.0.1:0", auth: "on" });
  const addr = `http://${grpc[0]}`;
  const client = createClient({ addr, apiKey: readFileSync(adminKey ?? "", "utf8").trim() });
  const { key, text } = await client.keys.create({ name: "fleet", role: "worker" });
  let stop = () => {};
  const running = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const { agent } = await import("#worker/index");
  const { z } = await import("zod");
  const wait = agent({
    name: "wait",
    input: z.looseObject({}),
    run: async (_, { signal }) => {
      stop();
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
  });
  const said: unknown[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_: string, fields?: object) => said.push(fields),
  };
  const worker = await serve({ agents: [wait], addr, apiKey: text, handleSignals: false, log, drainMs: 0 });
  const { id } = await client.tasks.create({ agent: "wait", input: {} });
  await running;

  const revokedAt = performance.now();
  await client.keys.revoke(key.id);
  await expect.poll(() => JSON.stringify(said), { timeout: 5_000 }).toContain("the API key was revoked");
  expect(performance.now() - revokedAt).toBeLessThan(5_000);
  // Its lease has not ended: the Run is still the worker's.
  expect((await client.tasks.get(id)).runs).toMatchObject([{ status: "RUNNING" }]);
  await expect
    .poll(async () => (await client.tasks.get(id)).runs.map(({ reason }) => reason), { timeout: 8_000 })
    .toEqual(["WORKER_LOST"]);
  await worker.close();
  client.close();
}, 20_000);

test("an option that is wrong is named, and then nothing is open", async () => {
  const kept = await data();
  const taskrun = await started({ data: kept });
  const listen = (options: object) => taskrun.listen({ grpc: "127.0.0.1:0", ...options });
  await expect(listen({ tls: "on" })).rejects.toThrow(/^tls:/);
  await expect(listen({ auth: "maybe" })).rejects.toThrow(/^auth:/);
  await expect(listen({ tlsCert: "cert.pem" })).rejects.toThrow("is without a key");
  await expect(listen({ tls: "auto", tlsCert: "a", tlsKey: "b" })).rejects.toThrow(
    "leave one of the two out",
  );
  await expect(listen({ tlsCert: "none.pem", tlsKey: "none.key" })).rejects.toThrow("there is no such file");
  await expect(listen({ grpc: "0.0.0.0:0", tls: "auto", auth: "off" })).rejects.toMatchObject({
    code: "denied",
  });
  await expect(listen({ secure: true })).rejects.toThrow("secure");
  expect(existsSync(join(kept, "admin.key"))).toBe(false);
});

test("beyond the loopback TLS and keys are enough", async () => {
  const taskrun = await started({ data: await data() });
  const { grpc } = await taskrun.listen({ grpc: "0.0.0.0:0", tls: "auto" });
  expect(grpc).toHaveLength(1);
});

test("what workers of orchestrator.v1 run is an option of the start", async () => {
  const taskrun = await started({ orchestratorAgents: ["resize"] });
  const { grpc } = await taskrun.listen({ grpc: "127.0.0.1:0" });
  const { id } = await taskrun.client.tasks.create({ agent: "resize" });
  const { registerWorker } = connectClient(Scheduler, createGrpcTransport({ baseUrl: `http://${grpc[0]}` }));
  const stop = new AbortController();
  async function* heartbeats() {
    const value = { workerId: "w-1", availableSlots: 1 };
    yield create(WorkerResponseSchema, { message: { case: "heartbeat", value } });
    await once(stop.signal, "abort");
  }
  for await (const { taskId } of registerWorker(heartbeats())) {
    expect(taskId).toBe(id);
    break;
  }
  stop.abort();
});
