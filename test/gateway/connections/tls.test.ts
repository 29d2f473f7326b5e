/** Both listeners by TLS, with openssl as the judge of what they speak. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect as tcpConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TLSSocket, connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createClient } from "#client/index";
import { limits } from "#limits/index";
import { frame, frameTypes, PREFACE } from "../../hostile/raw/raw-http2.js";
import { type Opened, open } from "../kit/open.js";
import { type TestAuthority, TestSource, testAuthority } from "../kit/tls.js";

let authority: TestAuthority;
let source: TestSource;
let opened: Opened;
const folder = mkdtempSync(join(tmpdir(), "taskrun-tls-"));
const caFile = join(folder, "ca.pem");
const ports = ["grpcPort", "httpPort"] as const;

beforeAll(async () => {
  authority = await testAuthority();
  writeFileSync(caFile, authority.ca);
  source = new TestSource(await authority.issue());
  opened = await open({ tls: source });
});
afterAll(() => opened.gateway.close(1_000));

/** What `openssl s_client` says, which stays connected for a moment, so that tickets would arrive. */
function sClient(port: number, ...more: string[]): Promise<string> {
  const words = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", caFile, ...more];
  return new Promise((resolve) => {
    const child = execFile("openssl", words, (_, out, err) => resolve(out + err));
    setTimeout(() => child.stdin?.end(), 700);
  });
}

const failures = () =>
  opened.counted.filter(({ name }) => name === "taskrun_tls_failures_total").map(({ labels }) => labels);

test.each(ports)("TLS 1.3 with HTTP/2, and nothing older (%s)", { timeout: 20_000 }, async (name) => {
  const said = await sClient(opened[name], "-alpn", "h2", "-verify_return_error", "-x509_strict");
  expect(said).toContain("New, TLSv1.3");
  expect(said).toContain("ALPN protocol: h2");
  expect(said).toContain("Verify return code: 0 (ok)");
  expect(await sClient(opened[name], "-alpn", "h2", "-tls1_2")).toContain("alert protocol version");
});

test.each(ports)("no session is resumed (%s)", { timeout: 20_000 }, async (name) => {
  const session = join(folder, `${name}.session`);
  await sClient(opened[name], "-alpn", "h2", "-sess_out", session);
  const said = await sClient(opened[name], "-alpn", "h2", "-sess_in", session);
  expect(said).toContain("New, TLSv1.3");
  expect(said).not.toContain("Reused");
});

test("HTTP/1.1 is for the HTTP listener alone", { timeout: 20_000 }, async () => {
  expect(await sClient(opened.httpPort, "-alpn", "http/1.1")).toContain("ALPN protocol: http/1.1");
  expect(await sClient(opened.grpcPort, "-alpn", "http/1.1")).toContain("no application protocol");
  const unnamed = tlsConnect({ port: opened.grpcPort, host: "127.0.0.1", ca: authority.ca });
  await once(unnamed, "close");
  expect(failures()).toContainEqual({ door: "grpc", cause: "protocol" });

  const page = httpsRequest({
    port: opened.httpPort,
    host: "127.0.0.1",
    path: "/health/live",
    ca: authority.ca,
    agent: false,
  }).end();
  const [response] = await once(page, "response");
  expect(response.statusCode).toBe(200);
  response.resume();
});

test.each(ports)("a client of the authority's calls over TLS (%s)", async (name) => {
  const client = createClient({ addr: `localhost:${opened[name]}`, ca: caFile });
  expect(await client.workers.list()).toEqual([]);
  client.close();
});

test("plaintext at a TLS port is refused and counted, and its client is told what to write", async () => {
  const client = createClient({ addr: `http://127.0.0.1:${opened.grpcPort}` });
  await expect(client.workers.list()).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining("https://"),
  });
  client.close();
  expect(failures()).toContainEqual({ door: "grpc", cause: "plaintext" });
});

test("a certificate that is replaced is shown to new connections, and open ones go on", async () => {
  const client = createClient({ addr: `localhost:${opened.grpcPort}`, ca: caFile });
  await client.workers.list();
  const before = (await secure(opened.grpcPort)).getPeerCertificate().serialNumber;
  source.replace(await authority.issue());
  const after = (await secure(opened.grpcPort)).getPeerCertificate().serialNumber;
  expect(after).not.toBe(before);
  await client.workers.list();
  client.close();
});

test("who does not shake hands is closed in time, and counts towards the connections", {
  timeout: 20_000,
}, async () => {
  const bounded = await open({ tls: source, connections: 2 });
  const silent = [1, 2].map(() => tcpConnect(bounded.grpcPort, "127.0.0.1"));
  await Promise.all(silent.map((socket) => once(socket, "connect")));
  const third = tcpConnect(bounded.grpcPort, "127.0.0.1");
  third.on("error", () => undefined);
  await once(third, "close");
  expect(bounded.counted).toContainEqual({
    name: "taskrun_connections_refused_total",
    labels: { door: "grpc", bound: "total" },
  });

  const began = performance.now();
  for (const socket of silent) socket.on("error", () => undefined).resume();
  await Promise.all(silent.map((socket) => once(socket, "close")));
  expect(performance.now() - began).toBeLessThan(limits.handshake + 4_000);
  expect(bounded.counted).toContainEqual({
    name: "taskrun_tls_failures_total",
    labels: { door: "grpc", cause: "timeout" },
  });
  await vi.waitFor(async () => (await secure(bounded.grpcPort)).destroy());
  await bounded.gateway.close(1_000);
});

test.each(ports)(
  "the guards of a connection hold behind TLS: a flood of frames without content ends it (%s)",
  { timeout: 60_000 },
  async (name) => {
    const socket = await secure(opened[name]);
    socket.on("error", () => undefined);
    const closed = once(socket, "close");
    socket.write(PREFACE);
    socket.write(frame(frameTypes.settings, 0, 0));
    socket.write(frame(frameTypes.settings, 1, 0));
    const unknown = Buffer.concat(Array.from({ length: 16 }, () => frame(0xee, 0, 0, Buffer.alloc(16_000))));
    socket.resume();
    const flooding = setInterval(
      () => !socket.destroyed && socket.writableLength < 4e6 && socket.write(unknown),
      5,
    );
    await closed;
    clearInterval(flooding);
    expect(opened.counted).toContainEqual({
      name: "taskrun_connections_ended_total",
      labels: { door: name.slice(0, 4), cause: "overhead" },
    });
  },
);

test("closing ends connections whose handshake is not done", async () => {
  const other = await open({ tls: source });
  const silent = tcpConnect(other.grpcPort, "127.0.0.1");
  await once(silent, "connect");
  await vi.waitFor(() => expect(other.gateway).toBeDefined());
  const began = performance.now();
  await other.gateway.close(30_000);
  expect(performance.now() - began).toBeLessThan(2_000);
});

async function secure(port: number): Promise<TLSSocket> {
  const socket = tlsConnect({ port, host: "127.0.0.1", ca: authority.ca, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  return socket;
}
