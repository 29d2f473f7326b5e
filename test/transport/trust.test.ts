/** Whom clients and workers trust to be the server, and what they say when it is another. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTls, type Server } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { createClient } from "#client/index";
import { readServer } from "#transport/server";
import { agent, serve } from "#worker/index";
import { type Opened, open } from "../gateway/kit/open.js";
import { type TestAuthority, TestSource, testAuthority } from "../gateway/kit/tls.js";

let authority: TestAuthority;
let other: TestAuthority;
let opened: Opened;
const folder = mkdtempSync(join(tmpdir(), "taskrun-trust-"));
const caFile = join(folder, "ca.pem");
const otherPin = `sha256:${"0".repeat(64)}`;

beforeAll(async () => {
  [authority, other] = [await testAuthority(), await testAuthority()];
  writeFileSync(caFile, authority.ca);
  opened = await open({ tls: new TestSource(await authority.issue(["elsewhere.example"])) });
});
afterAll(() => opened.gateway.close(1_000));
afterEach(() => vi.unstubAllEnvs());

async function list(options: Parameters<typeof createClient>[0]): Promise<unknown> {
  const client = createClient({ addr: `127.0.0.1:${opened.grpcPort}`, ...options });
  try {
    return await client.workers.list();
  } finally {
    client.close();
  }
}

test.each([
  ["the file of its authority", () => ({ ca: caFile })],
  ["its authority as PEM", () => ({ ca: authority.ca })],
  ["its authority's pin", () => ({ caPin: authority.pin })],
  ["the pin in upper case", () => ({ caPin: `sha256:${authority.pin.slice(7).toUpperCase()}` })],
])("a server is reached with %s, under any name", async (_, options) => {
  expect(await list(options())).toEqual([]);
  // The certificate does not have this name; it has the server's id.
  expect(await list({ ...options(), addr: `https://localhost:${opened.grpcPort}` })).toEqual([]);
});

test.each([
  ["nobody", () => ({ addr: `https://127.0.0.1:${opened.grpcPort}` }), "an authority that is not trusted"],
  ["another authority", () => ({ ca: other.ca }), "an authority that is not trusted"],
  ["another pin", () => ({ caPin: otherPin }), "it shows no certificate with the pin"],
])("who trusts %s does not reach it, and is told why", async (_, options, says) => {
  await expect(list(options())).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining(says),
  });
});

test("a pin is checked before anything is sent", async () => {
  const received: string[] = [];
  const identity = await other.issue();
  const server: Server = createTls({ ...identity, ALPNProtocols: ["h2"] }, (socket) => {
    socket.on("data", (bytes) => received.push(bytes.toString())).on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as { port: number };
  await expect(list({ addr: `127.0.0.1:${port}`, caPin: authority.pin })).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
  // A thief who shows the true authority's certificate beside his own has no certificate of it.
  server.setSecureContext({
    key: identity.key,
    cert: `${identity.cert.split(/(?=-----BEGIN)/)[0]}${authority.ca}`,
  });
  await expect(list({ addr: `127.0.0.1:${port}`, caPin: authority.pin })).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
  expect(received).toEqual([]);
  server.close();
});

test("a certificate of the authority that is no server's is not taken for one", async () => {
  const plain = await open({ tls: new TestSource(leafWithout()) });
  const client = createClient({ addr: `https://127.0.0.1:${plain.grpcPort}`, ca: join(folder, "root.pem") });
  await expect(client.workers.list()).rejects.toMatchObject({
    message: expect.stringContaining("for other names"),
  });
  client.close();
  await plain.gateway.close(1_000);
});

/** A certificate as a worker would have: of the authority, with a URI of its own and no host. Made by openssl. */
function leafWithout() {
  const run = (script: string) => {
    const { stdout, stderr, status } = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };
  run(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -out root.pem -days 2 -subj /CN=root`,
  );
  run(
    `openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout w.key -out w.csr -subj /CN=localhost`,
  );
  run(
    `printf 'subjectAltName=URI:spiffe://taskrun/worker/w1\\nextendedKeyUsage=serverAuth,clientAuth\\n' > w.ext`,
  );
  run(
    `openssl x509 -req -in w.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1 -extfile w.ext -out w.pem`,
  );
  return { cert: run("cat w.pem root.pem"), key: run("cat w.key") };
}

test.each([
  [{ ca: "/nowhere/ca.pem" }, "ca", "there is no such file"],
  [{ ca: "" }, "ca", "is empty"],
  [{ ca: "-----BEGIN NOTHING-----" }, "ca", "has no certificate"],
  [{ caPin: "sha256:12" }, "caPin", "write sha256: and 64 hex digits"],
  [{ ca: "x", caPin: otherPin }, "caPin", "leave one of the two out"],
  [{ addr: "http://127.0.0.1:1", caPin: otherPin }, "addr", "which is not encrypted"],
])("%j is refused by client and worker in the same words", async (options, field, says) => {
  expect(() => createClient(options)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining(says) }),
  );
  const echo = agent({ name: "echo", input: z.looseObject({}), run: async (input) => input });
  await expect(serve({ agents: [echo], ...options })).rejects.toThrow(says);
  expect(readServer(options)).toMatchObject({ field });
});

test("the environment names the authority; an address with http:// is meant as it is", () => {
  vi.stubEnv("TASKRUN_CA_PIN", otherPin);
  vi.stubEnv("TASKRUN_CA", "");
  expect(readServer({ addr: "plane.example" })).toMatchObject({
    urls: ["https://plane.example:50051"],
    trust: {},
  });
  expect(readServer({ addr: "http://127.0.0.1:50051" })).toEqual({
    urls: ["http://127.0.0.1:50051"],
    trust: undefined,
  });
  vi.stubEnv("TASKRUN_CA_PIN", " ");
  expect(readServer({ addr: "plane.example" })).toEqual({
    urls: ["http://plane.example:50051"],
    trust: undefined,
  });
});
