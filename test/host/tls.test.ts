/** A server's own authority and certificate, with openssl as the judge. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { silentTelemetry } from "#host/silent-telemetry";
import { issueServer, openAuthority, pinOf } from "#host/tls/authority";
import { serverNames } from "#host/tls/names";
import { openTls, type ServerTls, type TlsSettings } from "#host/tls/open";
import { limits } from "#limits/index";

const DAY = 86_400_000;
const opened: ServerTls[] = [];
let data: string;
const at = (name: string) => join(data, "tls", name);
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "taskrun-tls-"));
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  vi.useRealTimers();
});

async function open(given: Partial<TlsSettings> = {}): Promise<ServerTls> {
  const settings = {
    tls: "auto",
    tlsCert: "",
    tlsKey: "",
    issuerCert: "",
    issuerKey: "",
    data,
    grpc: ["127.0.0.1:1"],
    http: [],
    allowedHosts: [],
  };
  const tls = await openTls({ ...settings, ...given } as TlsSettings, telemetry);
  if (!tls) throw new Error("no TLS was opened");
  opened.push(tls);
  return tls;
}

const errors: string[] = [];
const telemetry = {
  ...silentTelemetry(),
  log: { ...silentTelemetry().log, error: (message: string) => void errors.push(message) },
};

const openssl = (...words: string[]) => execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe" });

test("the server's certificate verifies strictly against its authority, for all its names", async () => {
  const { identity, pin } = await open({
    grpc: ["plane.internal:1", "10.1.2.3:1"],
    allowedHosts: ["*", "plane.example"],
  });
  writeFileSync(join(data, "leaf.pem"), identity.cert);
  const verify = (...more: string[]) =>
    openssl(
      "verify",
      "-x509_strict",
      "-purpose",
      "sslserver",
      "-CAfile",
      at("ca.pem"),
      ...more,
      join(data, "leaf.pem"),
    );
  for (const name of ["localhost", "plane.internal", "plane.example"]) {
    expect(verify("-verify_hostname", name)).toContain("OK");
  }
  for (const ip of ["127.0.0.1", "::1", "10.1.2.3"]) expect(verify("-verify_ip", ip)).toContain("OK");
  expect(() => verify("-verify_hostname", "other.example")).toThrow();

  const text = openssl("x509", "-in", join(data, "leaf.pem"), "-noout", "-text");
  expect(text).toContain("URI:spiffe://taskrun/control-plane");
  expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
  expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
  const spki = openssl("x509", "-in", at("ca.pem"), "-noout", "-pubkey");
  writeFileSync(join(data, "spki.pem"), spki);
  openssl("pkey", "-pubin", "-in", join(data, "spki.pem"), "-outform", "DER", "-out", join(data, "spki.der"));
  expect(pin).toBe(`sha256:${openssl("dgst", "-sha256", "-r", join(data, "spki.der")).slice(0, 64)}`);
});

test("keys are for this user alone, and a start is refused when others can read them", async () => {
  await open();
  expect([mode(join(data, "tls")), mode(at("ca.key")), mode(at("server.key"))]).toEqual([
    "700",
    "600",
    "600",
  ]);
  for (const [path, wrong, right] of [
    [at("ca.key"), 0o640, 0o600],
    [at("server.key"), 0o604, 0o600],
    [join(data, "tls"), 0o755, 0o700],
  ] as const) {
    chmodSync(path, wrong);
    await expect(open()).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining(`chmod 0${right.toString(8)} ${path}`),
    });
    chmodSync(path, right);
  }
});

test("a second start has the same authority and certificate; another name or a third of the time left makes a new one", async () => {
  const first = await open();
  const again = await open();
  expect(again.identity).toEqual(first.identity);
  const renamed = await open({ allowedHosts: ["plane.example"] });
  expect(renamed.pin).toBe(first.pin);
  expect(renamed.identity.cert).not.toBe(first.identity.cert);

  vi.useFakeTimers({ now: Date.now() + (limits.serverCertificateLife * 2) / 3 + DAY, toFake: ["Date"] });
  const renewed = await open({ allowedHosts: ["plane.example"] });
  expect(renewed.pin).toBe(first.pin);
  expect(renewed.identity.key).not.toBe(renamed.identity.key);
});

test("a start after a crash between two files makes what is missing, and keeps the authority", async () => {
  const { pin } = await open();
  copyFileSync(at("server.key"), join(data, "old.key"));
  const other = await issueServer(
    await openAuthority(join(data, "tls"), Date.now()),
    serverNames([], []),
    Date.now(),
  );
  writeFileSync(at("server.key"), other.key); // the key is new, and its certificate was not written
  const { identity, pin: after } = await open();
  expect(after).toBe(pin);
  expect(identity.key).not.toBe(other.key);
  expect(new X509Certificate(identity.cert).checkHost("localhost")).toBe("localhost");
});

test("files that are replaced are used from the next look on; what cannot be used is not", async () => {
  const folder = join(data, "given");
  mkdirSync(folder, { mode: 0o700 });
  const authority = await openAuthority(folder, Date.now());
  const [tlsCert, tlsKey] = [join(folder, "a.pem"), join(folder, "a.key")];
  const write = async () => {
    const { cert, key } = await issueServer(authority, serverNames([], []), Date.now());
    writeFileSync(tlsCert, cert);
    writeFileSync(tlsKey, key);
    return cert;
  };
  const first = await write();
  const tls = await open({ tls: "off", tlsCert, tlsKey });
  const changed: string[] = [];
  tls.onChange(({ cert }) => changed.push(cert));
  writeFileSync(tlsKey, readFileSync(join(folder, "ca.key"), "utf8"));
  await tls.look();
  await tls.look();
  expect(changed).toEqual([]);
  expect(tls.identity.cert).toBe(first);
  expect(errors).toEqual([expect.stringContaining("the key does not belong to the certificate")]);

  const second = await write();
  await tls.look();
  await tls.look();
  expect(changed).toEqual([second]);
  expect(tls.identity.cert).toBe(second);
});

test.each([
  ["nothing", "there is no such file"],
  ["text", "no PEM that can be used"],
])("a certificate file with %s in it refuses the start by name", async (what, says) => {
  const tlsCert = join(data, "c.pem");
  if (what === "text") writeFileSync(tlsCert, "nothing of PEM");
  writeFileSync(join(data, "c.key"), "");
  expect(existsSync(tlsCert)).toBe(what === "text");
  const refused = open({ tls: "off", tlsCert, tlsKey: join(data, "c.key") });
  await expect(refused).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining(says) });
});

test("pins are of the key, so that a renewed certificate of an authority has the same", async () => {
  await open();
  expect(pinOf(readFileSync(at("ca.pem"), "utf8"))).toMatch(/^sha256:[0-9a-f]{64}$/);
});
