/** A client's certificate, made as the page about security says, on the command line and in the SDK. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { createClient } from "#client/index";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { openTls, type ServerTls } from "#host/tls/open";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { readCertificate } from "#transport/client-certificate";
import { readServer } from "#transport/server";
import { type Opened, open } from "../gateway/kit/open.js";
import { type Setting, taskrun } from "./fake-io.js";

const home = mkdtempSync(join(tmpdir(), "taskrun-client-"));
const at = (name: string) => join(home, name);
let opened: Opened;
let tls: ServerTls;
let viewerKey: string;
let addr: string;
let caPin: string;

/** The commands of the page. */
function script(): string {
  const page = readFileSync(fileURLToPath(new URL("../../docs/security.md", import.meta.url)), "utf8");
  const part = page.slice(page.indexOf("## Clients that are known by a certificate"));
  return /```sh\n([^`]+)```/.exec(part)?.[1] ?? "";
}

const settings = (clientCa: string) => ({
  ...{
    tls: "auto" as const,
    tlsCert: "",
    tlsKey: "",
    issuerCert: "",
    issuerKey: "",
    clientCa,
    data: join(home, "data"),
  },
  ...{ grpc: ["127.0.0.1:0"], http: [], allowedHosts: [] },
});

beforeAll(async () => {
  execFileSync("sh", ["-eu"], { cwd: home, input: script(), stdio: ["pipe", "pipe", "pipe"] });
  tls = (await openTls(settings(at("clients-ca.pem")), silentTelemetry(), {
    asksClients: true,
  })) as ServerTls;
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  const keys = new KeyRing({ store: credentials, now: () => instant(Date.now()) });
  const terms = { name: "v", role: "viewer", namespaces: "*", ttl: millis(3_600_000) } as const;
  viewerKey = (await keys.make(LOCAL_CALLER, terms)).text;
  const clientCertificates = new Map([["ci", { role: "operator", namespaces: ["research"] }]]);
  opened = await open({ keys, tls, clientCertificates });
  addr = `127.0.0.1:${opened.grpcPort}`;
  caPin = tls.pin ?? "";
});
afterAll(async () => {
  await opened.gateway.close(1_000);
  tls.close();
  rmSync(home, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const run = (words: readonly string[], setting: Setting = {}) =>
  taskrun(words, { cwd: home, ...setting, env: { XDG_CONFIG_HOME: home, ...setting.env } });
const create = ["task", "create", "--agent", "a", "--namespace", "research", "--input", "{}"];
const known = () => ["--addr", addr, "--ca-pin", caPin];
const shown = ["--cert", "ci.pem", "--cert-key", "ci.key"];
const list = ["task", "list", "--namespace", "research"];

test("the commands of the page make a certificate that lets a client in, whose key is its own", async () => {
  expect(statSync(at("ci.key")).mode & 0o777).toBe(0o600);
  expect((await run([...list, ...known()])).stderr).toContain("asks for a credential");
  expect(await run([...list, ...known(), ...shown])).toMatchObject({ code: 0 });
  const foreign = await run(["task", "list", "--namespace", "other", ...known(), ...shown]);
  expect(foreign.stdout).not.toContain("research");
});

test("the environment and a profile name it as well", async () => {
  const env = { TASKRUN_CERT: "ci.pem", TASKRUN_CERT_KEY: "ci.key" };
  expect(await run([...list, ...known()], { env })).toMatchObject({ code: 0 });
  const login = await run(["login", "--profile", "ci", ...known(), ...shown]);
  expect(login, login.stderr).toMatchObject({ code: 0 });
  const kept = JSON.parse(readFileSync(join(home, "taskrun/profiles/ci.json"), "utf8"));
  expect(kept).toEqual({ addr, caPin, cert: at("ci.pem"), certKey: at("ci.key") });
  expect(await run([...list, "--profile", "ci"])).toMatchObject({ code: 0 });
  // What is named nearest is what counts: a key in the environment is somebody else.
  expect(await run([...list, "--profile", "ci"], { env: { TASKRUN_API_KEY: "tr_wrong" } })).toMatchObject({
    code: 0,
  });
  expect((await run(["logout", "--profile", "ci"])).stderr).toBe("profile ci is gone\n");
});

test("an API key beside it counts", async () => {
  writeFileSync(at("viewer"), viewerKey);
  const both = [...known(), ...shown, "--api-key-file", "viewer"];
  expect(await run([...list, ...both])).toMatchObject({ code: 0 });
  expect((await run([...create, ...both])).stderr).toContain("tasks:create");
});

test("what cannot be shown is said before anything is sent", async () => {
  const says = async (...words: string[]) => (await run([...list, ...known(), ...words])).stderr;
  expect(await says("--cert", "ci.pem")).toContain("name the other file by --cert-key FILE");
  expect(await says("--cert", "none.pem", "--cert-key", "ci.key")).toContain("there is no such file");
  expect(await says("--cert", "ci.pem", "--cert-key", "clients-ca.key")).toContain(
    "is not that of the certificate",
  );
  expect(await says("--cert", "ci.pem", "--cert-key", "ci.csr")).toContain("has no private key");
  const pem = readFileSync(at("ci.key"), "utf8");
  const argument = await says("--cert", "ci.pem", "--cert-key", pem);
  expect(argument).toContain("--cert-key is the path of a file");
  expect(argument).not.toContain(pem.slice(40, 60));
  const plain = await run([...list, "--addr", "http://127.0.0.1:1", ...shown]);
  expect(plain.stderr).toContain("begins with http://, which is not encrypted");
});

test("the SDK takes PEM or paths, and workers pass both over", async () => {
  const [cert, certKey] = [readFileSync(at("ci.pem"), "utf8"), readFileSync(at("ci.key"), "utf8")];
  for (const given of [
    { cert, certKey },
    { cert: at("ci.pem"), certKey: at("ci.key") },
  ]) {
    const client = createClient({ addr, caPin, namespace: "research", ...given });
    expect((await client.tasks.create({ agent: "a", input: {} })).id).not.toBe("");
    client.close();
  }
  expect(() => createClient({ addr, cert })).toThrow("certKey is missing");
  vi.stubEnv("TASKRUN_CERT", at("none.pem"));
  expect(readServer({ addr: "plane.example" })).toMatchObject({ certificate: undefined });
  expect(readServer({ addr: "plane.example", certificate: {} })).toMatchObject({ field: "certKey" });
});

test("a certificate that is replaced is shown by connections that are made later", async () => {
  const next = { cert: at("next.pem"), certKey: at("next.key") };
  for (const end of ["pem", "key"]) writeFileSync(at(`next.${end}`), readFileSync(at(`ci.${end}`)));
  let now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const read = readCertificate(next);
  const first = read?.();
  const make = ["openssl req -new -key ci.key -subj /CN=ci -out again.csr"];
  make.push(
    "openssl x509 -req -in again.csr -CA clients-ca.pem -CAkey clients-ca.key -extfile ci.ext -out again.pem",
  );
  execFileSync("sh", ["-eu"], { cwd: home, input: make.join("\n"), stdio: ["pipe", "pipe", "pipe"] });
  renameSync(at("again.pem"), next.cert);
  expect(read?.()).toBe(first);
  now += limits.certificateEvery;
  const second = read?.();
  expect(second?.cert).not.toBe(first?.cert);
  // A file that is half written changes nothing.
  writeFileSync(next.cert, "-----BEGIN CERT");
  now += limits.certificateEvery;
  expect(read?.()).toBe(second);
});

test("an authority that is none, or that of workers, is refused at the start", async () => {
  const opening = (file: string) => openTls(settings(at(file)), silentTelemetry(), { asksClients: true });
  await expect(opening("ci.pem")).rejects.toThrow("which is no authority");
  await expect(opening("data/tls/ca.pem")).rejects.toThrow("the authority of this server's own workers");
  await expect(opening("data/tls/issuing-a.pem")).rejects.toThrow("name the root");
  await expect(opening("ci.csr")).rejects.toThrow("has no certificate in it");
  await expect(opening("none.pem")).rejects.toThrow("client-ca: ");
});
