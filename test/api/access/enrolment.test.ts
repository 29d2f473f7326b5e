/** Invitations, enrolment, renewal and revocation, over a store in memory and an authority of its own. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { admit } from "#api/enrolment/admit";
import { Enrolment, type Invited, type WorkerIdentity } from "#api/enrolment/enrolment";
import { enrolledFor, revoke } from "#api/enrolment/revoke";
import { readToken } from "#api/enrolment/token-text";
import { type Caller, LOCAL_CALLER, type WorkerCredential } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { openAuthority } from "#host/tls/authority";
import { type Issuing, openIssuing } from "#host/tls/issuing";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { EnrolmentStore } from "#ports/enrolment";
import { memoryStore } from "#stores/memory/index";

const NO_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const MINUTE = 60_000;
let folder: string;
let authority: Issuing;
let now: number;
let store: EnrolmentStore;
let enrolment: Enrolment;

/** Requests of different keys, made once: each costs a process. */
const csrs: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-enrolment-"));
  now = Date.now();
  authority = await openIssuing(folder, await openAuthority(folder, now), () => now);
  for (let i = 0; i < 4; i++) csrs.push(request(i));
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  now = Date.now();
  const { enrolment: kept } = memoryStore();
  if (!kept) throw new Error("the memory store enrols workers");
  store = kept;
  enrolment = open(store);
});

function request(i: number): string {
  const [key, csr] = [join(folder, `${i}.key`), join(folder, `${i}.csr`)];
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  execFileSync("openssl", ["req", "-new", ...ec, "-keyout", key, "-subj", "/CN=x", "-out", csr], {
    stdio: "pipe",
  });
  return readFileSync(csr, "utf8");
}

function open(over: EnrolmentStore, audit?: AuditTrail): Enrolment {
  const life = limits.workerCertificateLife;
  return new Enrolment({ store: over, authority, now: () => instant(now), log: NO_LOG, life, audit });
}

const csr = (i: number) => csrs[i] as string;

async function invite(more: Partial<Invited> = {}, caller: Caller = LOCAL_CALLER): Promise<string> {
  const worker = { namespace: "default", name: "w1" };
  const terms = { worker, namespaces: "*", labels: {}, agents: [], ttl: limits.inviteLife, ...more } as const;
  const [made] = await enrolment.invite(caller, [terms]);
  return made?.text ?? "";
}

function credentialOf({ worker, cert, notAfter }: WorkerIdentity): WorkerCredential {
  return { worker, serial: new X509Certificate(cert).serialNumber.toLowerCase(), notAfter };
}

test("a token becomes one certificate, and the store has no secret of it", async () => {
  const token = await invite();
  const identity = await enrolment.enrol(token, csr(0), "a");
  const cert = new X509Certificate(identity.cert);
  expect(cert.subjectAltName).toBe("URI:spiffe://taskrun/t/default/w/w1");
  expect(cert.verify(new X509Certificate(identity.chain).publicKey)).toBe(true);
  expect(identity.renewAfter).toBeGreaterThan(limits.workerCertificateLife * 0.66);
  const rows = [...(await store.list("token", "", 9)), ...(await store.list("worker", "", 9))];
  expect(JSON.stringify(rows)).not.toContain(readToken(token)?.secret);
  expect(await enrolment.admit(credentialOf(identity))).toMatchObject({ id: "default/w1" });
});

test("the same token with the same key has the same certificate for five minutes; with another key it is used", async () => {
  const token = await invite();
  const first = await enrolment.enrol(token, csr(0), "a");
  now += 5 * MINUTE;
  expect((await enrolment.enrol(token, csr(0), "a")).cert).toBe(first.cert);
  await expect(enrolment.enrol(token, csr(1), "b")).rejects.toMatchObject({ reason: "TOKEN_USED" });
  now += 1;
  await expect(enrolment.enrol(token, csr(0), "a")).rejects.toMatchObject({ reason: "TOKEN_USED" });
  expect((await store.list("key", "", 9)).length).toBe(1);
});

test("of a hundred that race for a token, over two servers, those with one key have a certificate, the same one", async () => {
  const token = await invite();
  const other = open(store);
  const racing = Array.from({ length: 100 }, (_, i) =>
    (i % 2 ? other : enrolment).enrol(token, csr(i % 4), `address ${i % 50}`).then(
      ({ cert }) => cert,
      ({ reason }: { reason: string }) => reason,
    ),
  );
  const results = await Promise.all(racing);
  const certs = new Set(results.filter((result) => result.startsWith("-----")));
  expect(certs.size).toBe(1);
  expect(new Set(results.filter((result) => !result.startsWith("-----")))).toEqual(
    new Set(["TOKEN_USED", "TOO_MANY_ATTEMPTS"]),
  );
  const [worker] = await store.list("worker", "", 9);
  expect(worker?.certificates.length).toBe(1);
  expect((await store.list("key", "", 9)).length).toBe(1);
});

test("a request that is refused does not use the token up, nor does a commit that is lost", async () => {
  const token = await invite();
  await expect(enrolment.enrol(token, "nothing", "a")).rejects.toMatchObject({ reason: "CSR_INVALID" });
  const put = store.put.bind(store);
  let lost = 0;
  store.put = async (rows) => {
    if (lost++ === 0) throw new Error("the store is away");
    return put(rows);
  };
  await expect(enrolment.enrol(token, csr(0), "a")).rejects.toThrow("the store is away");
  expect((await enrolment.enrol(token, csr(0), "a")).worker.name).toBe("w1");
});

test("an answer that is lost after the commit is given again, by a server that has started anew", async () => {
  const token = await invite();
  const put = store.put.bind(store);
  store.put = async (rows) => {
    await put(rows);
    throw new Error("the process is gone");
  };
  await expect(enrolment.enrol(token, csr(0), "a")).rejects.toThrow("is gone");
  store.put = put;
  const identity = await open(store).enrol(token, csr(0), "a");
  const [worker] = await store.list("worker", "", 9);
  expect(worker?.certificates.map(({ serial }) => serial)).toEqual([credentialOf(identity).serial]);
});

test("an unknown token and a wrong secret are refused alike; one that has expired is not used", async () => {
  const token = await invite();
  const { id = "", secret = "" } = readToken(token) ?? {};
  const otherSecret = readToken(await invite())?.secret ?? "";
  const { sumOf } = await import("#api/access/key-text");
  const made = (some: string, more: string) => `trb_${some}_${more}_${sumOf(`trb_${some}_${more}`)}`;
  const refusals = [made(id, otherSecret), made("0000000000", secret), `${token}x`, "", token.slice(0, -1)];
  const words = new Set<string>();
  for (const [i, text] of refusals.entries()) {
    await expect(
      enrolment.enrol(text, csr(0), `${i}`).catch((error: Error) => {
        words.add(error.message);
        throw error;
      }),
    ).rejects.toMatchObject({ code: "unauthenticated", reason: "TOKEN_INVALID" });
  }
  expect(words.size).toBe(1);
  now += limits.inviteLife;
  await expect(enrolment.enrol(token, csr(0), "a")).rejects.toMatchObject({ reason: "TOKEN_EXPIRED" });
  expect(await store.list("worker", "", 9)).toEqual([]);
});

test("attempts that fail are limited for an address and for a token; those that succeed are not counted", async () => {
  const token = await invite();
  for (let i = 0; i < limits.enrolBurst; i++) {
    await expect(enrolment.enrol("trb_no", csr(0), "a")).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  }
  const refused = expect(enrolment.enrol(token, csr(0), "a")).rejects;
  await refused.toMatchObject({
    code: "overloaded",
    reason: "TOO_MANY_ATTEMPTS",
    details: { retryAfter: 1_000 },
  });
  now += 1_000;
  for (let i = 0; i < limits.enrolPerToken; i++) {
    await expect(enrolment.enrol(token, "nothing", `${i}`)).rejects.toMatchObject({ reason: "CSR_INVALID" });
  }
  await expect(enrolment.enrol(token, csr(0), "b")).rejects.toMatchObject({ reason: "TOO_MANY_ATTEMPTS" });
  now += MINUTE;
  for (let i = 0; i < 3 * limits.enrolBurst; i++) await enrolment.enrol(token, csr(0), "a");
});

test("a certificate is renewed for another key, and both are valid; a key of another worker is not certified", async () => {
  const first = await enrolment.enrol(await invite(), csr(0), "a");
  const second = await enrolment.renew(credentialOf(first), csr(1));
  for (const identity of [first, second]) await enrolment.admit(credentialOf(identity));
  const other = await enrolment.enrol(
    await invite({ worker: { namespace: "default", name: "w2" } }),
    csr(2),
    "a",
  );
  await expect(enrolment.renew(credentialOf(other), csr(1))).rejects.toMatchObject({ reason: "KEY_TAKEN" });
  now = first.notAfter;
  await expect(enrolment.renew(credentialOf(first), csr(3))).rejects.toMatchObject({
    reason: "CERTIFICATE_EXPIRED",
  });
  await expect(enrolment.admit(credentialOf(first))).rejects.toMatchObject({ code: "unauthenticated" });
});

test("renewals at once are all kept, and only the newest certificates count", async () => {
  const first = await enrolment.enrol(await invite(), csr(0), "a");
  const renewed = await Promise.all([0, 1, 2, 3].map((i) => enrolment.renew(credentialOf(first), csr(i))));
  for (const identity of renewed) await enrolment.admit(credentialOf(identity));
  let last = renewed[0] as WorkerIdentity;
  for (let i = 0; i < limits.certificatesPerWorker; i++)
    last = await enrolment.renew(credentialOf(last), csr(i % 4));
  await enrolment.admit(credentialOf(last));
  await expect(enrolment.admit(credentialOf(first))).rejects.toMatchObject({ reason: "CERTIFICATE_REVOKED" });
  const [row] = await store.list("worker", "", 9);
  expect(row?.certificates.length).toBe(limits.certificatesPerWorker);
});

test("a worker that is revoked is refused here at once and elsewhere after a look, with its keys and tokens", async () => {
  const elsewhere = open(store);
  const token = await invite();
  const unused = await invite();
  const identity = await enrolment.enrol(token, csr(0), "a");
  const credential = credentialOf(identity);
  const ended: string[] = [];
  elsewhere.streams.watch({ credential, end: ({ reason }) => ended.push(reason) });
  elsewhere.streams.sweep();
  expect(ended).toEqual([]);
  const revoked = await revoke(LOCAL_CALLER, identity.worker, enrolment);
  expect(revoked).toMatchObject({ certificates: [], revokedAt: now, deniedUntil: identity.notAfter });
  expect([enrolment.denials.has(credential.serial), elsewhere.denials.has(credential.serial)]).toEqual([
    true,
    false,
  ]);
  await elsewhere.denials.load();
  elsewhere.streams.sweep();
  expect(ended).toEqual(["CERTIFICATE_REVOKED"]);
  for (const each of [enrolment, elsewhere]) {
    await expect(each.admit(credential)).rejects.toMatchObject({ reason: "CERTIFICATE_REVOKED" });
    await expect(each.renew(credential, csr(1))).rejects.toMatchObject({ reason: "CERTIFICATE_REVOKED" });
  }
  await expect(enrolment.enrol(token, csr(0), "a")).rejects.toMatchObject({ reason: "TOKEN_USED" });
  await expect(enrolment.enrol(unused, csr(1), "a")).rejects.toMatchObject({ reason: "TOKEN_EXPIRED" });
  expect((await revoke(LOCAL_CALLER, identity.worker, enrolment)).revokedAt).toBe(revoked.revokedAt);

  const again = await invite();
  await expect(enrolment.enrol(again, csr(0), "b")).rejects.toMatchObject({ reason: "KEY_TAKEN" });
  await enrolment.admit(credentialOf(await enrolment.enrol(again, csr(2), "b")));
  await expect(enrolment.admit(credential)).rejects.toMatchObject({ reason: "CERTIFICATE_REVOKED" });
  expect(enrolment.denials.has(credential.serial)).toBe(true);
});

test("an open stream goes on for a while after the end of its certificate, and no longer", async () => {
  const credential = credentialOf(await enrolment.enrol(await invite(), csr(0), "a"));
  const ended: string[] = [];
  enrolment.streams.watch({ credential, end: ({ reason }) => ended.push(reason) });
  now = credential.notAfter + limits.certificateGrace - 1;
  enrolment.streams.sweep();
  expect(ended).toEqual([]);
  now += 1;
  enrolment.streams.sweep();
  enrolment.streams.sweep();
  expect(ended).toEqual(["CERTIFICATE_EXPIRED"]);
});

test("a caller sees and revokes workers of its namespaces alone; another one is unknown", async () => {
  await enrolment.enrol(
    await invite({ worker: { namespace: "n1", name: "w1" }, namespaces: ["n1"] }),
    csr(0),
    "a",
  );
  await enrolment.enrol(
    await invite({ worker: { namespace: "n1", name: "w2" }, namespaces: ["n1", "n2"] }),
    csr(1),
    "a",
  );
  const caller: Caller = { principal: "key:x", namespaces: ["n1"], roles: ["admin"] };
  expect((await enrolledFor(caller, store)).map(({ id }) => id)).toEqual(["n1/w1"]);
  const foreign = await revoke(caller, { namespace: "n1", name: "w2" }, enrolment).catch(
    (error: Error) => error.message,
  );
  const unknown = await revoke(caller, { namespace: "n1", name: "w9" }, enrolment).catch(
    (error: Error) => error.message,
  );
  expect(foreign).toBe(String(unknown).replace("w9", "w2"));
  expect((await store.get("worker", "n1/w2"))?.certificates.length).toBe(1);
});

test("a hello is compared with the record: what it claims beyond is refused, what it leaves out is added", async () => {
  const terms = { namespaces: ["n1", "n2"], labels: { gpu: "yes" }, agents: ["echo"] };
  const identity = await enrolment.enrol(await invite(terms), csr(0), "a");
  await enrolment.enrol(await invite({ worker: { namespace: "default", name: "w2" } }), csr(1), "a");
  const certificate = credentialOf(identity);
  const caller: Caller = { principal: "spiffe", namespaces: ["default"], roles: ["worker"], certificate };
  const claims = {
    workerId: "w1",
    namespaces: [],
    labels: {},
    agents: [{ name: "echo" }],
    drawsItsId: false,
  };
  const admitted = await admit(caller, claims, enrolment);
  const { serial } = certificate;
  expect(admitted).toEqual({
    caller: { ...caller, namespaces: ["n1", "n2"] },
    labels: { gpu: "yes" },
    certificate: expect.objectContaining({ serial }),
  });
  const wrong = [
    [{ workerId: "w2" }, "info.worker_id"],
    [{ workerId: "w3" }, "info.worker_id"],
    [{ workerId: "w2", drawsItsId: true }, "info.worker_id"],
    [{ namespaces: ["n3"] }, "info.namespaces"],
    [{ labels: { gpu: "no" } }, "info.labels"],
    [{ labels: { zone: "a" } }, "info.labels"],
    [{ agents: [{ name: "echo" }, { name: "other" }] }, "info.agents"],
  ] as const;
  for (const [more, field] of wrong) {
    await expect(admit(caller, { ...claims, ...more }, enrolment)).rejects.toMatchObject({
      code: "denied",
      details: { field },
    });
  }
  await admit(
    caller,
    { ...claims, workerId: "drawn-1", drawsItsId: true, labels: { gpu: "yes" }, namespaces: ["n2"] },
    enrolment,
  );
  const other: Caller = { principal: "key:x", namespaces: "*", roles: ["worker"] };
  expect(await admit(other, { ...claims, workerId: "w9" }, enrolment)).toEqual({ caller: other });
  now += limits.workerCertificateLife + millis(1_000);
  await expect(admit(caller, claims, enrolment)).rejects.toMatchObject({ reason: "CERTIFICATE_EXPIRED" });
});

test("certificates are counted by the way to them, refusals by their reason, and revocations", async () => {
  const counted: string[] = [];
  const count = (name: string, labels: object = {}, by = 1) => {
    counted.push([name.replace(/^taskrun_|_total$/g, ""), ...Object.values(labels), by].join(" "));
  };
  const life = limits.workerCertificateLife;
  const telemetry = { count };
  enrolment = new Enrolment({ store, authority, now: () => instant(now), log: NO_LOG, life, telemetry });
  const identity = await enrolment.enrol(await invite(), csr(0), "a");
  await enrolment.renew(credentialOf(identity), csr(1));
  await expect(enrolment.enrol("nothing", csr(2), "b")).rejects.toThrow();
  await expect(enrolment.renew(credentialOf(identity), "nothing")).rejects.toThrow();
  await revoke(LOCAL_CALLER, identity.worker, enrolment);
  await expect(enrolment.renew(credentialOf(identity), csr(2))).rejects.toThrow();
  store.get = async () => {
    throw new Error("the store is away");
  };
  await expect(enrolment.renew(credentialOf(identity), csr(3))).rejects.toThrow("is away");
  expect(counted).toEqual([
    "certificates_issued enrolled 1",
    "certificates_issued renewed 1",
    "certificates_refused enrolled TOKEN_INVALID 1",
    "certificates_refused renewed CSR_INVALID 1",
    "workers_revoked 1",
    "certificates_refused renewed CERTIFICATE_REVOKED 1",
    "certificates_refused renewed other 1",
  ]);
});

test("who was invited, enrolled, renewed and revoked is in the audit log, in the commit that does it; who was refused is noted", async () => {
  const { enrolment: kept, audit } = memoryStore();
  if (!kept || !audit) throw new Error("the memory store keeps both");
  store = kept;
  const refused: string[] = [];
  const trail: AuditTrail = {
    chain: "server",
    refused: ({ action, detail }) => void refused.push(`${action} ${detail}`),
    record: async () => {},
    committed: () => {},
  };
  enrolment = open(store, trail);
  const token = await invite();
  const identity = await enrolment.enrol(token, csr(0), "a");
  await enrolment.renew(credentialOf(identity), csr(1));
  await expect(enrolment.enrol(token, csr(2), "b")).rejects.toMatchObject({ reason: "TOKEN_USED" });
  await expect(enrolment.enrol("nothing", csr(2), "b")).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  await revoke(LOCAL_CALLER, { namespace: "default", name: "w1" }, enrolment);

  const said = (await audit.entries(undefined, 10)).map(({ actor, action, object, namespace }) => {
    return `${actor} ${action} ${object} ${namespace}`;
  });
  expect(said).toEqual([
    "local worker.invite worker w1 default",
    "spiffe://taskrun/t/default/w/w1 worker.enrol worker w1 default",
    "spiffe://taskrun/t/default/w/w1 worker.renew worker w1 default",
    "local worker.revoke worker w1 default",
  ]);
  expect(refused).toEqual(["worker.enrol TOKEN_USED", "worker.enrol TOKEN_INVALID"]);
  expect(JSON.stringify(await audit.entries(undefined, 10))).not.toContain(readToken(token)?.secret);
});
