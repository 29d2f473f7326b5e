/** An authority elsewhere, which is openssl here, has signed an issuing one: that signs for servers and workers. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silentTelemetry } from "#host/silent-telemetry";
import { openTls, type ServerTls } from "#host/tls/open";
import { pinOf } from "#host/tls/x509";
import { limits } from "#limits/index";

let folder: string;
const opened: ServerTls[] = [];
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), "utf8");
const openssl = (...words: string[]) =>
  execFileSync("openssl", words, { encoding: "utf8", stdio: "pipe", cwd: folder });
const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-issuer-"));
  root("root");
  issuer("root", "issuer");
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  rmSync(folder, { recursive: true });
});

/** A root of RSA, which nothing of ours makes. */
function root(name: string): void {
  const words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`, "-subj", `/CN=${name}`];
  openssl(
    "req",
    ...words,
    "-out",
    `${name}.pem`,
    "-days",
    "30",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
  );
}

/** An issuing authority under a root, and the file of both: `NAME.pem`, `NAME.key`. */
function issuer(
  above: string,
  name: string,
  key: readonly string[] = EC,
  more = "basicConstraints=critical,CA:TRUE,pathlen:0",
): void {
  openssl("req", "-new", ...key, "-keyout", `${name}.key`, "-subj", `/CN=${name}`, "-out", "i.csr");
  writeFileSync(
    at("ext"),
    `${more}\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n`,
  );
  const by = [
    "-CA",
    `${above}.pem`,
    "-CAkey",
    `${above}.key`,
    "-CAcreateserial",
    "-extfile",
    "ext",
    "-days",
    "10",
  ];
  openssl("x509", "-req", "-in", "i.csr", ...by, "-out", "i.pem");
  writeFileSync(at(`${name}.pem`), read("i.pem") + read(`${above}.pem`));
  chmodSync(at(`${name}.key`), 0o600);
}

async function open(
  name = "issuer",
  given: { readonly cert?: string; readonly key?: string } = {},
): Promise<ServerTls> {
  const { cert = `${name}.pem`, key = `${name}.key` } = given;
  const settings = {
    tls: "auto",
    tlsCert: "",
    tlsKey: "",
    grpc: ["127.0.0.1:1"],
    http: [],
    allowedHosts: [],
  } as const;
  const files = { issuerCert: at(cert), issuerKey: at(key), data: at("data") };
  const tls = await openTls({ ...settings, ...files }, silentTelemetry(), { asksClients: true });
  if (!tls?.authority) throw new Error("there is an authority");
  opened.push(tls);
  return tls;
}

test("what it signs for servers and workers verifies strictly up to the root, whose key is elsewhere", async () => {
  const tls = await open();
  const { authority } = tls;
  expect([tls.pin, tls.rotating]).toEqual([pinOf(read("root.pem")), undefined]);
  expect(tls.identity.clientCa?.trim()).toBe(read("root.pem").trim());
  openssl("req", "-new", ...EC, "-keyout", "w.key", "-subj", "/CN=x", "-out", "w.csr");
  const csr = await authority?.check(read("w.csr"));
  if (!authority || !csr) throw new Error("it signs");
  const issued = await authority.issue(
    csr,
    { namespace: "default", name: "w1" },
    limits.workerCertificateLife,
  );
  expect(issued.bundle.trim()).toBe(read("root.pem").trim());
  writeFileSync(at("leaf.pem"), issued.cert);
  writeFileSync(at("chain.pem"), issued.chain);
  writeFileSync(at("server.pem"), tls.identity.cert);
  const verify = ["verify", "-x509_strict", "-CAfile", "root.pem"];
  expect(openssl(...verify, "-purpose", "sslclient", "-untrusted", "chain.pem", "leaf.pem")).toContain("OK");
  expect(openssl(...verify, "-purpose", "sslserver", "-untrusted", "server.pem", "server.pem")).toContain(
    "OK",
  );
  expect(new X509Certificate(issued.cert).subjectAltName).toBe("URI:spiffe://taskrun/t/default/w/w1");
  // What the server shows ends with the root: clients know it by its pin.
  expect(tls.identity.cert.trim().endsWith(read("root.pem").trim())).toBe(true);
  expect(read("data/tls/bundle.pem").trim()).toBe(read("root.pem").trim());
});

test("another issuing authority of the same root is used without a restart; one of another root is not", async () => {
  const tls = await open();
  const before = tls.identity.cert;
  issuer("root", "issuer");
  await tls.look();
  expect(tls.identity.cert).not.toBe(before);
  expect(tls.identity.cert).toContain(read("i.pem").trim());
  const used = tls.identity.cert;
  root("other");
  issuer("other", "issuer");
  await tls.look();
  expect(tls.identity.cert).toBe(used);
  expect(tls.authority?.pin).toBe(pinOf(read("root.pem")));
});

test.each<[string, () => Parameters<typeof open>, string]>([
  ["without its root", () => ["issuer", { cert: "i.pem" }], "is no root: let the file end with the root"],
  ["with a key of another", () => ["issuer", { key: "root.key" }], "is no key of P-256"],
  [
    "that is no authority",
    () => {
      issuer("root", "leaf", EC, "basicConstraints=critical,CA:FALSE");
      return ["leaf"];
    },
    "which is no authority",
  ],
  [
    "under another root than the one that follows",
    () => {
      root("other");
      writeFileSync(at("mixed.pem"), read("i.pem") + read("other.pem"));
      return ["issuer", { cert: "mixed.pem" }];
    },
    "is not signed by the one after it",
  ],
  [
    "of RSA",
    () => {
      issuer("root", "rsa", ["-newkey", "rsa:2048", "-nodes"]);
      return ["rsa"];
    },
    "is no key of P-256",
  ],
  [
    "with the key of its sister",
    () => {
      issuer("root", "sister");
      return ["issuer", { key: "sister.key" }];
    },
    "does not belong to the first certificate",
  ],
  ["that is not there", () => ["none"], "there is no such file"],
  [
    "that others can read",
    () => {
      chmodSync(at("issuer.key"), 0o644);
      return ["issuer"];
    },
    "can be read by others",
  ],
  [
    "that is no PEM",
    () => {
      writeFileSync(at("text.pem"), "nothing");
      return ["issuer", { cert: "text.pem" }];
    },
    "has no certificates in it",
  ],
])(
  "an issuing authority %s is refused at the start, in words that name the file",
  async (_, prepare, says) => {
    const given = prepare();
    if (given[1]?.key === "root.key") chmodSync(at("root.key"), 0o600);
    await expect(open(...given)).rejects.toThrow(says);
  },
);
