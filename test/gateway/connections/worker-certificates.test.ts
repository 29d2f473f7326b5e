/** Who is let in by a certificate, over both listeners: workers that were enrolled, to their stream, and nobody else. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { Enrolment } from "#api/enrolment/enrolment";
import { revoke } from "#api/enrolment/revoke";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { issueServer, openAuthority } from "#host/tls/authority";
import { openIssuing } from "#host/tls/issuing";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { EnrollmentService } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { type RunClientMessage, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { type Opened, open } from "../kit/open.js";
import { TestSource } from "../kit/tls.js";

interface Shown {
  readonly cert: string;
  readonly key: string;
}

let folder: string;
let opened: Opened;
let enrolment: Enrolment;
let ca: string;
let adminKey: string;
let now: number;
let drawn = 0;
const at = (name: string) => join(folder, name);
const openssl = (...words: string[]) =>
  execFileSync("openssl", words, { cwd: folder, encoding: "utf8", stdio: "pipe" });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-workers-"));
  now = Date.now();
  const root = await openAuthority(folder, now);
  const authority = await openIssuing(folder, root, () => now);
  ca = root.cert;
  const { enrolment: store, credentials } = memoryStore();
  if (!store || !credentials) throw new Error("the memory store keeps both");
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const clock = () => instant(now);
  enrolment = new Enrolment({ store, authority, now: clock, log, life: limits.workerCertificateLife });
  const keys = new KeyRing({ store: credentials, now: clock });
  const terms = { name: "a", role: "admin", namespaces: "*", ttl: millis(3_600_000) } as const;
  adminKey = (await keys.make(LOCAL_CALLER, terms)).text;
  const identity = await issueServer(root, { dns: ["localhost"], ip: ["127.0.0.1"] }, now);
  const tls = new TestSource({ ...identity, clientCa: ca });
  opened = await open({ keys, enrolment, tls });
});
afterAll(async () => {
  await opened.gateway.close(1_000);
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  now = Date.now();
  opened.plane.sinks.length = 0;
  opened.plane.onReport = (report, sink) => {
    if (report.type === "hello") sink.send({ type: "drain", reason: JSON.stringify(report.info.labels) });
  };
});

/** A key and a request for it, by openssl. */
function requested(): { key: string; csr: string } {
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-new", ...ec, "-keyout", "w.key", "-subj", "/CN=x", "-out", "w.csr");
  return { key: readFileSync(at("w.key"), "utf8"), csr: readFileSync(at("w.csr"), "utf8") };
}

async function token(name: string, labels = {}): Promise<string> {
  const worker = { namespace: "default", name };
  const terms = { worker, namespaces: "*", labels, agents: [], ttl: limits.inviteLife } as const;
  const [made] = await enrolment.invite(LOCAL_CALLER, [terms]);
  return made?.text ?? "";
}

async function enrolled(name = `w${++drawn}`, labels = {}): Promise<Shown & { name: string }> {
  const { key, csr } = requested();
  const { cert, chain } = await enrolment.enrol(await token(name, labels), csr, "here");
  return { name, key, cert: cert + chain };
}

function transport(port: number, shown: Partial<Shown> = {}) {
  const nodeOptions = { ca, ...shown };
  return createGrpcTransport({ baseUrl: `https://localhost:${port}`, nodeOptions });
}

/** Says hello, and reads the first answer. @returns the reason of the drain, or the failure */
async function hello(
  port: number,
  shown: Partial<Shown>,
  info: object,
  headers = {},
  protocol = 1,
): Promise<string> {
  const ending = new AbortController();
  async function* messages() {
    yield { payload: { case: "hello", value: { info, protocol } } } as never as RunClientMessage;
    await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
  }
  try {
    const client = createClient(RunService, transport(port, shown));
    const answers = client.streamConnect(messages(), { signal: ending.signal, headers, timeoutMs: 5_000 });
    for await (const { payload } of answers) return payload.case === "drain" ? payload.value.reason : "?";
    return "ended";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]} ${rawMessage}`;
  } finally {
    ending.abort();
  }
}

const ports = ["grpcPort", "httpPort"] as const;

test.each(ports)(
  "an enrolled worker connects by its certificate alone, with the labels of its record (%s)",
  async (port) => {
    const worker = await enrolled(undefined, { zone: "a" });
    expect(await hello(opened[port], worker, { workerId: worker.name })).toBe('{"zone":"a"}');
  },
);

test.each(ports)(
  "a hello under another's id, or with more than the record, is refused (%s)",
  async (port) => {
    const [one, other] = [await enrolled(), await enrolled()];
    expect(await hello(opened[port], one, { workerId: other.name })).toMatch(
      /^PermissionDenied .*another worker's/,
    );
    expect(await hello(opened[port], one, { workerId: "free" })).toMatch(/^PermissionDenied/);
    expect(await hello(opened[port], one, { workerId: one.name, labels: { gpu: "yes" } })).toMatch(
      /^PermissionDenied .*gpu=yes/,
    );
    // The public protocol draws its id: an instance of this worker, but never one that is another's.
    expect(await hello(opened[port], one, { workerId: "drawn-1" }, {}, 0)).toBe("{}");
    expect(await hello(opened[port], one, { workerId: other.name }, {}, 0)).toMatch(/^PermissionDenied/);
  },
);

test.each(ports)("a worker's certificate is of no use for clients' requests (%s)", async (port) => {
  const worker = await enrolled();
  const tasks = createClient(TaskService, transport(opened[port], worker));
  await expect(tasks.listTasks({})).rejects.toMatchObject({ code: Code.PermissionDenied });
  // With an API key it is the key that counts.
  const headers = { "x-api-key": adminKey };
  await tasks.listTasks({}, { headers });
  const enrollment = createClient(EnrollmentService, transport(opened[port], worker));
  await expect(enrollment.inviteWorkers({ name: "more" })).rejects.toMatchObject({
    code: Code.PermissionDenied,
  });
  await expect(enrollment.listEnrolledWorkers({})).rejects.toMatchObject({ code: Code.PermissionDenied });
});

test("a worker without a certificate still connects by its key, and cannot renew what it has not", async () => {
  const headers = { "x-api-key": adminKey };
  expect(await hello(opened.grpcPort, {}, { workerId: "keyed", labels: { any: "thing" } }, headers)).toBe(
    '{"any":"thing"}',
  );
  const enrollment = createClient(EnrollmentService, transport(opened.grpcPort));
  const asked = enrollment.renewCertificate({ csr: requested().csr }, { headers });
  await expect(asked).rejects.toMatchObject({ code: Code.PermissionDenied });
  expect(await hello(opened.grpcPort, {}, { workerId: "nobody" })).toMatch(/^Unauthenticated/);
});

/** A certificate that openssl signs. @param issuer the names of the signer's files */
function signed(
  issuer: { cert: string; key: string },
  san: string,
  more: readonly string[] = ["-days", "1"],
): Shown {
  const { key } = requested();
  writeFileSync(
    at("ext"),
    `subjectAltName=${san}\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:FALSE\n`,
  );
  openssl(
    "x509",
    "-req",
    "-in",
    "w.csr",
    "-CA",
    issuer.cert,
    "-CAkey",
    issuer.key,
    "-CAcreateserial",
    "-extfile",
    "ext",
    "-out",
    "w.pem",
    ...more,
  );
  return { key, cert: readFileSync(at("w.pem"), "utf8") + readFileSync(at(issuer.cert), "utf8") };
}

const ours = { cert: "issuing-a.pem", key: "issuing-a.key" };
const URI = "URI:spiffe://taskrun/t/default/w/w1";

test.each(ports)(
  "a certificate that is shown and is no enrolled worker's is refused in the handshake (%s)",
  async (port) => {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
      "-keyout",
      "other.key",
      "-subj",
      "/CN=other",
      "-out",
      "other.pem",
      "-days",
      "1",
    );
    const root = { cert: ca, key: readFileSync(at("ca.key"), "utf8") };
    const server = await issueServer(await openAuthority(folder, now), { dns: ["localhost"], ip: [] }, now);
    const refused: readonly (readonly [string, Shown])[] = [
      ["of another authority", signed({ cert: "other.pem", key: "other.key" }, URI)],
      ["expired", signed(ours, URI, ["-days", "-1"])],
      ["with two names", signed(ours, `${URI},URI:spiffe://taskrun/t/default/w/w2`)],
      ["with a name of a host beside", signed(ours, `${URI},DNS:w1`)],
      ["of no worker", signed(ours, "URI:spiffe://taskrun/client/alice")],
      ["of another trust domain", signed(ours, "URI:spiffe://other/t/default/w/w1")],
      ["of a server", server],
      ["of the authority", root],
    ];
    for (const [what, shown] of refused) {
      expect(await hello(opened[port], shown, { workerId: "w1" }, { "x-api-key": adminKey }), what).toMatch(
        /^(Unavailable|Aborted|Internal|Canceled|Unknown) /,
      );
    }
    expect(opened.plane.sinks).toEqual([]);
    expect(opened.counted).toContainEqual({
      name: "taskrun_tls_failures_total",
      labels: { door: port.slice(0, 4), cause: "certificate" },
    });
  },
);

test("a certificate that was signed and is in no record is refused at the hello", async () => {
  await enrolled("w1");
  const forged = signed(ours, URI);
  expect(await hello(opened.grpcPort, forged, { workerId: "w1" })).toMatch(/^Unauthenticated .*was revoked/);
});

test("a worker that is revoked loses its stream, its requests and its handshakes; a new one is another worker", async () => {
  const worker = await enrolled();
  const enrollment = createClient(EnrollmentService, transport(opened.grpcPort, worker));
  await enrollment.renewCertificate({ csr: requested().csr });
  opened.plane.onReport = () => undefined; // the stream stays open, without an answer
  const open = hello(opened.grpcPort, worker, { workerId: worker.name });
  await expect.poll(() => opened.plane.sinks.length).toBe(1);
  const before = performance.now();
  await revoke(LOCAL_CALLER, { namespace: "default", name: worker.name }, enrolment);
  expect(await open).toMatch(/^Unauthenticated .*was revoked/);
  expect(performance.now() - before).toBeLessThan(5_000);
  const asked = enrollment.renewCertificate({ csr: requested().csr });
  await expect(asked).rejects.toMatchObject({ code: Code.Unauthenticated });
  expect(await hello(opened.httpPort, worker, { workerId: worker.name })).toMatch(
    /^(Unavailable|Aborted|Internal|Canceled|Unknown) /,
  );
});

test("the end of a certificate ends its open stream after a while, and what is asked over its connection", async () => {
  const worker = await enrolled();
  opened.plane.onReport = () => undefined;
  const open = hello(opened.grpcPort, worker, { workerId: worker.name });
  await expect.poll(() => opened.plane.sinks.length).toBe(1);
  const enrollment = createClient(EnrollmentService, transport(opened.grpcPort, worker));
  await enrollment.renewCertificate({ csr: requested().csr });
  now += limits.workerCertificateLife + limits.certificateGrace + 1_000;
  expect(await open).toMatch(/^Unauthenticated .*has ended/);
  const asked = enrollment.renewCertificate({ csr: requested().csr });
  await expect(asked).rejects.toMatchObject({ code: Code.Unauthenticated });
});

test.each(ports)(
  "a session of a worker is not resumed, so that each connection shows its certificate (%s)",
  async (port) => {
    const { cert, key } = await enrolled();
    const session = await new Promise<Buffer | undefined>((resolve) => {
      const socket = tlsConnect({
        port: opened[port],
        host: "127.0.0.1",
        servername: "localhost",
        ca,
        cert,
        key,
        ALPNProtocols: ["h2"],
      });
      socket.once("session", (ticket) => {
        socket.destroy();
        resolve(ticket);
      });
      setTimeout(() => resolve(undefined), 1_000);
    });
    const reused = await new Promise<boolean>((resolve, reject) => {
      const socket = tlsConnect({
        port: opened[port],
        host: "127.0.0.1",
        servername: "localhost",
        ca,
        ALPNProtocols: ["h2"],
        ...(session && { session }),
      });
      socket.once("error", reject);
      socket.once("secureConnect", () => {
        resolve(socket.isSessionReused());
        socket.destroy();
      });
    });
    expect(reused).toBe(false);
  },
);

function post(
  body: string,
): Promise<{ status: number; body: Record<string, string>; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", host: "localhost", port: opened.httpPort, path: "/v1/enroll", ca };
    httpsRequest(options, (response) => {
      let text = "";
      response.on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        const retryAfter = response.headers["retry-after"];
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), retryAfter });
      });
    })
      .on("error", reject)
      .end(body);
  });
}

test("POST /v1/enroll answers as public workers know it, and its certificate lets a worker in", async () => {
  const { key, csr } = requested();
  const bootstrap_token = await token("public");
  const wrong = await post(JSON.stringify({ bootstrap_token: "nonsense", csr }));
  expect(wrong).toMatchObject({ status: 401, body: { error: "Invalid or expired bootstrap token" } });
  const bad = await post(JSON.stringify({ bootstrap_token, csr: "nonsense" }));
  expect(bad).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^Failed to sign CSR: /) } });
  for (const body of ["no json", "{}", '{"bootstrap_token":1,"csr":""}', `"${"x".repeat(20_000)}"`]) {
    expect(await post(body)).toMatchObject({ status: 400 });
  }
  const { status, body } = await post(JSON.stringify({ bootstrap_token, csr }));
  expect(status).toBe(200);
  expect(body).toMatchObject({ worker_id: "public", spiffe_id: "spiffe://taskrun/t/default/w/public" });
  expect(Date.parse(String(body.expires_at)) - now).toBeGreaterThan(limits.workerCertificateLife - 2_000);
  expect(String(body.ca_cert).trim()).toBe(ca.trim());
  const shown = { key, cert: String(body.worker_cert) };
  expect(await hello(opened.grpcPort, shown, { workerId: "drawn-7" }, {}, 0)).toBe("{}");
  const again = await post(JSON.stringify({ bootstrap_token, csr: requested().csr }));
  expect(again).toMatchObject({ status: 401, body: { reason: "TOKEN_USED" } });
});

test("attempts from one address are limited over both ways in, with a time to wait", async () => {
  const enrollment = createClient(EnrollmentService, transport(opened.grpcPort));
  const tries = Array.from({ length: limits.enrolBurst + 1 }, () =>
    enrollment
      .enroll({ token: "nonsense", csr: "" })
      .catch((error: unknown) => ConnectError.from(error).code),
  );
  expect(new Set(await Promise.all(tries))).toEqual(new Set([Code.Unauthenticated, Code.ResourceExhausted]));
  const { status, retryAfter } = await post(JSON.stringify({ bootstrap_token: "nonsense", csr: "" }));
  expect([status, Number(retryAfter)]).toEqual([429, 1]);
});
