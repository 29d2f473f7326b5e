/** What a server's authority signs for workers, with openssl as the judge, and which requests it refuses. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAuthority } from "#host/tls/authority";
import { checkCsr } from "#host/tls/csr";
import { type Issuing, openIssuing } from "#host/tls/issuing";
import { limits } from "#limits/index";

const DAY = 86_400_000;
let folder: string;
let now: number;
const at = (name: string) => join(folder, name);
const openssl = (...words: string[]) =>
  execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe", cwd: folder });
const open = async (): Promise<Issuing> => openIssuing(folder, await openAuthority(folder, now), () => now);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-issuing-"));
  now = Date.now();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A request by openssl. @param key its words for the kind of key */
function request(
  key: readonly string[] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  ...more: string[]
): string {
  openssl("genpkey", ...key, "-out", "w.key");
  openssl("req", "-new", "-key", "w.key", "-subj", "/CN=control-plane/O=Evil", ...more, "-out", "w.csr");
  return readFileSync(at("w.csr"), "utf8");
}

const kinds = [
  ["P-256", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]],
  ["P-384", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["Ed25519", ["-algorithm", "ED25519"]],
] as const;

test.each(kinds)(
  "a worker's certificate for a key of %s verifies strictly, and says nothing that the request asked for",
  async (_, key) => {
    const issuing = await open();
    const csr = await issuing.check(
      request(
        key,
        "-addext",
        "subjectAltName=URI:spiffe://taskrun/control-plane,DNS:evil",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
      ),
    );
    const { cert, serial, notAfter } = await issuing.issue(
      csr,
      { namespace: "default", name: "w1" },
      limits.workerCertificateLife,
    );
    writeFileSync(at("leaf.pem"), cert);
    writeFileSync(at("chain.pem"), issuing.chain);
    for (const purpose of ["sslclient", "sslserver"]) {
      const words = [
        "verify",
        "-x509_strict",
        "-purpose",
        purpose,
        "-CAfile",
        "ca.pem",
        "-untrusted",
        "chain.pem",
        "leaf.pem",
      ];
      expect(openssl(...words)).toContain("leaf.pem: OK");
    }
    const text = openssl("x509", "-in", "leaf.pem", "-noout", "-text");
    expect(text).toMatch(/Subject Alternative Name: \n\s+URI:spiffe:\/\/taskrun\/t\/default\/w\/w1\n/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(
      /Extended Key Usage: \s+TLS Web Client Authentication, TLS Web Server Authentication/,
    );
    expect(text).not.toContain("evil");
    expect(text).not.toContain("Evil");
    const read = new X509Certificate(cert);
    expect(read.serialNumber.toLowerCase()).toBe(serial);
    expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
    expect(Date.parse(read.validTo)).toBe(notAfter);
    const life = notAfter - Date.parse(read.validFrom);
    expect(life).toBe(DAY + limits.certificateBackdated);
    // The key is that of the request, not another one.
    expect(openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey")).toBe(
      openssl("pkey", "-in", "w.key", "-pubout"),
    );
  },
);

test("the issuing authority cannot sign authorities, and its key is for this user alone", async () => {
  const issuing = await open();
  writeFileSync(at("chain.pem"), issuing.chain);
  expect(openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "chain.pem")).toContain("OK");
  expect(openssl("x509", "-in", "chain.pem", "-noout", "-text")).toMatch(/CA:TRUE, pathlen:0/);
  expect((statSync(at("issuing-a.key")).mode & 0o777).toString(8)).toBe("600");
});

test("a second start signs by the same authority; of its last sixth another slot takes over, and the one before stays valid", async () => {
  const first = await open();
  expect((await open()).chain).toBe(first.chain);
  expect(readdirSync(folder).filter((name) => name.startsWith("issuing"))).toEqual([
    "issuing-a.key",
    "issuing-a.pem",
    "issuing.json",
  ]);
  const chain = first.chain;
  const csr = await first.check(request());
  now += (limits.issuingLife * 5) / 6 + 60_000;
  const { cert } = await first.issue(csr, { namespace: "default", name: "w1" }, limits.workerCertificateLife);
  expect(first.chain).not.toBe(chain);
  expect(new X509Certificate(cert).verify(new X509Certificate(first.chain).publicKey)).toBe(true);
  expect((await open()).chain).toBe(first.chain);
  expect(JSON.parse(readFileSync(at("issuing.json"), "utf8"))).toEqual({ active: "b" });
  writeFileSync(at("old.pem"), chain);
  expect(openssl("verify", "-x509_strict", "-CAfile", "ca.pem", "old.pem")).toContain("OK");
});

test("a crash before a slot is named leaves the one that was in use; one of another root is not used", async () => {
  const first = await open();
  now += (limits.issuingLife * 5) / 6 + 60_000;
  await first.current();
  writeFileSync(at("issuing.json"), '{"active":"a"}\n', { mode: 0o600 });
  now -= (limits.issuingLife * 5) / 6 + 60_000;
  const again = await open();
  expect(again.chain.trim()).toBe(readFileSync(at("issuing-a.pem"), "utf8").trim());
  rmSync(at("ca.pem"));
  const other = await open();
  expect(other.chain).not.toBe(again.chain);
  expect(new X509Certificate(other.chain).verify(new X509Certificate(other.root).publicKey)).toBe(true);
});

const base64 = (pem: string) => pem.replace(/-----[^-]+-----|\s/g, "");
const wrap = (der: Buffer) =>
  `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE REQUEST-----\n`;

test("a request is refused that is no single DER element, is changed, or is too long", async () => {
  const csr = request();
  const der = Buffer.from(base64(csr), "base64");
  const changed = Buffer.from(der);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  const renamed = Buffer.from(der.toString("latin1").replace("Evil", "Good"), "latin1");
  const cases: readonly (readonly [string, string])[] = [
    ["", "send one CERTIFICATE REQUEST"],
    ["no request", "send one CERTIFICATE REQUEST"],
    [csr + csr, "send one CERTIFICATE REQUEST"],
    [`${csr}more`, "send one CERTIFICATE REQUEST"],
    [csr.replaceAll("CERTIFICATE REQUEST", "CERTIFICATE"), "send one CERTIFICATE REQUEST"],
    [wrap(Buffer.concat([der, Buffer.from([0])])), "no single element"],
    [wrap(der.subarray(0, -1)), "no single element"],
    [wrap(Buffer.from([0x30, 0x80, 0, 0])), "no single element"],
    [wrap(Buffer.from([0x30, 0x81, 0x01, 0x00])), "no single element"],
    [wrap(Buffer.from([0x30, 0x02, 0x05, 0x00])), "cannot be read"],
    [wrap(changed), "not signed by its own key"],
    [wrap(renamed), "not signed by its own key"],
    [csr + " ".repeat(limits.csrBytes), "bytes"],
  ];
  for (const [text, says] of cases) {
    await expect(checkCsr(text), says).rejects.toMatchObject({
      code: "invalid",
      reason: "CSR_INVALID",
      message: expect.stringContaining(says),
    });
  }
  expect((await checkCsr(csr)).spkiHash).toMatch(/^[0-9a-f]{64}$/);
  expect((await checkCsr(`\n${csr.replaceAll("CERTIFICATE", "NEW CERTIFICATE")}\n`)).spkiHash).toBe(
    (await checkCsr(csr)).spkiHash,
  );
});

test.each([
  ["RSA", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]],
  ["secp256k1", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"]],
  ["P-521", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]],
])("a key of %s is not certified", async (_, key) => {
  await expect(checkCsr(request(key))).rejects.toMatchObject({
    reason: "CSR_INVALID",
    message: expect.stringMatching(/is not certified|cannot be read/),
  });
});
