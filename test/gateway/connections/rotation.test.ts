/** A worker's identity over a rotation, through real TLS: it trusts what has come with its certificate, whatever it was started with. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import type { AuthorityPhase } from "#domain/access/authority";
import { LOCAL_CALLER } from "#domain/caller";
import { issueServer } from "#host/tls/authority";
import { pinOf } from "#host/tls/x509";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { readTrust, type Trust } from "#transport/trust";
import { WorkerIdentity } from "#worker/identity/identity";
import { TestPlane, type TestServer } from "../../api/authority/kit.js";
import { type Opened, open } from "../kit/open.js";
import { TestSource } from "../kit/tls.js";

let plane: TestPlane;
let server: TestServer;
let opened: Opened;
let tls: TestSource;
const NO_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const stopped = new AbortController();

beforeAll(async () => {
  plane = new TestPlane();
  server = await plane.server("a");
  const { credentials } = memoryStore();
  if (!credentials) throw new Error("the memory store keeps keys");
  const keys = new KeyRing({ store: credentials, now: () => plane.now });
  const { authority, enrolment } = server;
  const identity = async () => {
    const made = await issueServer(authority.serving, { dns: ["localhost"], ip: ["127.0.0.1"] }, plane.now);
    return { ...made, clientCa: authority.bundle };
  };
  tls = new TestSource(await identity());
  authority.changed = async () => tls.replace(await identity());
  opened = await open({ keys, enrolment, tls });
});
afterAll(async () => {
  stopped.abort();
  await opened.gateway.close(1_000);
  plane.end();
});

const trustOf = (caPin: string): Trust => readTrust({ caPin }) as Trust;
const urls = () => [`https://127.0.0.1:${opened.grpcPort}`];

function identityOf(pin: string, token?: string): Promise<WorkerIdentity> {
  const folder = join(plane.dir, "worker");
  const options = { urls: urls(), trust: trustOf(pin), folder, log: NO_LOG, signal: stopped.signal };
  return WorkerIdentity.open({ ...options, token });
}

/** Pins of the authorities that it trusts. */
async function trusted({ trust }: WorkerIdentity): Promise<readonly string[]> {
  const { ca } = await trust.checks(new URL(urls()[0] ?? ""));
  const certificates = String(ca).match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return certificates.map((each) => pinOf(each));
}

/** Asks for a renewal as a server does, waits for it, and connects as it then is. */
async function renewed(identity: WorkerIdentity): Promise<void> {
  const before = identity.certificate().cert;
  identity.renewWithin(0);
  await expect.poll(() => identity.certificate().cert).not.toBe(before);
  const { serialNumber, validTo } = new X509Certificate(identity.certificate().cert);
  const worker = { namespace: "default", name: "w1" };
  const credential = { worker, serial: serialNumber.toLowerCase(), notAfter: Date.parse(validTo) as never };
  const record = await server.enrolment.admit(credential);
  const certificate = record.certificates.find(({ serial }) => serial === credential.serial);
  if (certificate) await server.enrolment.acknowledge(record, certificate);
}

test("a worker with the old pin goes through a rotation and starts after it; who has another pin means that one", async () => {
  const old = server.authority.pin;
  const worker = { namespace: "default", name: "w1" };
  const terms = { worker, namespaces: "*", labels: {}, agents: [], ttl: limits.inviteLife } as const;
  const [invited] = await server.enrolment.invite(LOCAL_CALLER, [terms]);
  const identity = await identityOf(old, invited?.text);
  let asked = 0;
  identity.start(() => {
    asked += 1;
  });
  expect(await trusted(identity)).toEqual([old]);
  const go = (to: AuthorityPhase) => server.rotation.move("operator", to, false);
  await go("init");
  const next = server.rotation.row?.next?.pin ?? "";
  await renewed(identity);
  expect(await trusted(identity)).toEqual([old, next]);
  await go("update_clients");
  await renewed(identity);
  await go("update_servers");
  // The server's own certificate is of the next one by now.
  await renewed(identity);
  await go("standby");
  await renewed(identity);
  expect(asked).toBe(4);
  expect(await trusted(identity)).toEqual([next]);
  identity.stop();

  const again = await identityOf(old);
  expect(again.worker).toBe("w1");
  expect(await trusted(again)).toEqual([next]);
  const other = await identityOf(next);
  expect(other.trust.name).toBe(next);
  expect(await trusted(other)).toEqual([next]);
  await expect(trusted(await identityOf(`sha256:${"0".repeat(64)}`))).rejects.toThrow(
    "no certificate with the pin",
  );
  const wrong = trustOf(old).checks(new URL(urls()[0] ?? ""));
  await expect(wrong).rejects.toThrow("its authority was rotated since");
});
