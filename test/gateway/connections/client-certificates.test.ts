/** Clients that are known by a certificate of an authority of their own, over both listeners, as openssl makes them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { Enrolment } from "#api/enrolment/enrolment";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { issueServer, openAuthority } from "#host/tls/authority";
import { openIssuing } from "#host/tls/issuing";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { AccessService } from "#wire/gen/taskrun/v1/access_service_pb";
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
let ca: string;
let adminKey: string;
let enrolment: Enrolment;
let tls: TestSource;
const at = (name: string) => join(folder, name);
const openssl = (...words: string[]) =>
  execFileSync("openssl", words, { cwd: folder, encoding: "utf8", stdio: "pipe" });
const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A root of openssl's. */
function authority(name: string, subject = `/CN=${name}`): string {
  openssl(
    "req",
    "-x509",
    ...EC,
    "-keyout",
    `${name}.key`,
    "-subj",
    subject,
    "-out",
    `${name}.pem`,
    "-days",
    "2",
    "-addext",
    "keyUsage=critical,keyCertSign",
  );
  return readFileSync(at(`${name}.pem`), "utf8");
}

const LEAF =
  "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:FALSE\n";

/** A certificate that openssl signs, with what leads to its issuer. @param san none if empty */
function signed(issuer: string, san: string, days = "1", extensions = LEAF): Shown {
  openssl("req", "-new", ...EC, "-keyout", "leaf.key", "-subj", "/CN=x", "-out", "leaf.csr");
  writeFileSync(at("ext"), `${san === "" ? "" : `subjectAltName=${san}\n`}${extensions}`);
  const by = ["-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`, "-CAcreateserial"];
  openssl("x509", "-req", "-in", "leaf.csr", ...by, "-extfile", "ext", "-out", "leaf.pem", "-days", days);
  return {
    key: readFileSync(at("leaf.key"), "utf8"),
    cert: readFileSync(at("leaf.pem"), "utf8") + readFileSync(at(`${issuer}.pem`), "utf8"),
  };
}

const client = (name: string) => `URI:spiffe://taskrun/client/${name}`;
const worker = (name: string) => `URI:spiffe://taskrun/t/default/w/${name}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-clients-"));
  const now = Date.now();
  const root = await openAuthority(folder, now);
  ca = root.cert;
  const { enrolment: store, credentials } = memoryStore();
  if (!store || !credentials) throw new Error("the memory store keeps both");
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const clock = () => instant(now);
  const issuing = await openIssuing(folder, root, () => now);
  enrolment = new Enrolment({
    store,
    authority: issuing,
    now: clock,
    log,
    life: limits.workerCertificateLife,
  });
  const keys = new KeyRing({ store: credentials, now: clock });
  const terms = { name: "a", role: "admin", namespaces: "*", ttl: millis(3_600_000) } as const;
  adminKey = (await keys.make(LOCAL_CALLER, terms)).text;
  const identity = await issueServer(root, { dns: ["localhost"], ip: ["127.0.0.1"] }, now);
  tls = new TestSource({ ...identity, clientCa: ca, callerCa: authority("clients") });
  const clientCertificates = new Map([
    ["ci", { role: "operator", namespaces: ["research"] }],
    ["boss", { role: "admin", namespaces: "*" }],
  ] as const);
  opened = await open({ keys, enrolment, tls, clientCertificates });
});
afterEach(() => vi.useRealTimers());
afterAll(async () => {
  await opened.gateway.close(1_000);
  rmSync(folder, { recursive: true });
});

function transport(port: number, shown: Partial<Shown> = {}) {
  return createGrpcTransport({ baseUrl: `https://localhost:${port}`, nodeOptions: { ca, ...shown } });
}

const listed = (port: number, shown: Partial<Shown>, request = {}, headers = {}) =>
  createClient(TaskService, transport(port, shown))
    .listTasks(request, { headers, timeoutMs: 5_000 })
    .then(
      () => "listed",
      (error: unknown) => outcomeOf(error),
    );

function outcomeOf(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error);
  return `${Code[code]} ${rawMessage}`;
}

/** Says hello; the reason why that failed. */
async function hello(port: number, shown: Partial<Shown>, workerId: string, headers = {}): Promise<string> {
  async function* messages() {
    yield {
      payload: { case: "hello", value: { info: { workerId }, protocol: 1 } },
    } as never as RunClientMessage;
  }
  try {
    const service = createClient(RunService, transport(port, shown));
    for await (const { payload } of service.streamConnect(messages(), { headers, timeoutMs: 5_000 }))
      return String(payload.case);
    return "ended";
  } catch (error) {
    return outcomeOf(error);
  }
}

const IN_HANDSHAKE = /^(Unavailable|Aborted|Internal|Canceled|Unknown) /;
const ports = ["grpcPort", "httpPort"] as const;

test.each(ports)(
  "a client's certificate is its credential: role and namespaces are the server's (%s)",
  async (port) => {
    const ci = signed("clients", client("ci"));
    // The independent judge: the chain is as strict a reader wants it.
    expect(openssl("verify", "-x509_strict", "-CAfile", "clients.pem", "leaf.pem")).toContain("OK");
    const tasks = createClient(TaskService, transport(opened[port], ci));
    const { id } = await tasks.createTask({ agentName: "a", namespace: "research" });
    expect((await tasks.getTask({ id })).id).toBe(id);
    await expect(tasks.createTask({ agentName: "a", namespace: "other" })).rejects.toMatchObject({
      code: Code.PermissionDenied,
    });
    const access = createClient(AccessService, transport(opened[port], ci));
    await expect(access.listKeys({})).rejects.toMatchObject({ code: Code.PermissionDenied });
    expect(await listed(opened[port], signed("clients", client("boss")))).toBe("listed");
  },
);

test("the same over HTTP, in a page's own words", async () => {
  const get = (shown: Shown) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { host: "localhost", port: opened.httpPort, path: "/metrics", ca, ...shown };
      httpsRequest({ ...options, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  expect(await get(signed("clients", client("boss")))).toBe(200);
  expect(await get(signed("clients", client("ci")))).toBe(403);
});

test.each(ports)(
  "who has an API key beside it is who the key says, and a wrong key is refused (%s)",
  async (port) => {
    const ci = signed("clients", client("ci"));
    expect(await listed(opened[port], ci, { namespace: "other" }, { "x-api-key": adminKey })).toBe("listed");
    const keys = createClient(AccessService, transport(opened[port], ci));
    await keys.listKeys({}, { headers: { authorization: `Bearer ${adminKey}` } });
    expect(await listed(opened[port], ci, {}, { "x-api-key": "tr_wrong" })).toMatch(/^Unauthenticated /);
  },
);

test.each(ports)("a client's certificate opens no worker's stream, whatever its role (%s)", async (port) => {
  const boss = signed("clients", client("boss"));
  expect(await hello(opened[port], boss, "w1")).toMatch(
    /^PermissionDenied a client's certificate opens no worker/,
  );
  expect(opened.plane.sinks).toEqual([]);
});

test.each(ports)("a worker's certificate is no client's, whichever the name (%s)", async (port) => {
  const issuing = "issuing-a";
  const real = signed(issuing, worker("w1"));
  expect(await listed(opened[port], real)).toMatch(
    /^PermissionDenied a worker's certificate is for its stream/,
  );
  // Each authority names those of its own kind alone.
  expect(await listed(opened[port], signed(issuing, client("boss")))).toMatch(IN_HANDSHAKE);
  expect(await hello(opened[port], signed("clients", worker("w1")), "w1")).toMatch(IN_HANDSHAKE);
});

test.each(ports)(
  "what is no client's certificate is refused in the handshake, also beside a key (%s)",
  async (port) => {
    authority("other");
    authority("twin", "/CN=clients");
    const refused: readonly (readonly [string, Shown])[] = [
      ["of another authority", signed("other", client("boss"))],
      ["of another one of the same name", signed("twin", client("boss"))],
      ["expired", signed("clients", client("boss"), "-1")],
      ["with two names", signed("clients", `${client("boss")},${client("ci")}`)],
      ["with a host's name beside", signed("clients", `${client("boss")},DNS:boss`)],
      ["without a name", signed("clients", "")],
      ["of no client's path", signed("clients", "URI:spiffe://taskrun/user/boss")],
      ["of a path below", signed("clients", `${client("boss")}/x`)],
      ["of another trust domain", signed("clients", "URI:spiffe://other/client/boss")],
      ["for servers", signed("clients", client("boss"), "1", LEAF.replace("clientAuth", "serverAuth"))],
      [
        "of the authority",
        { cert: readFileSync(at("clients.pem"), "utf8"), key: readFileSync(at("clients.key"), "utf8") },
      ],
    ];
    for (const [what, shown] of refused)
      expect(await listed(opened[port], shown, {}, { "x-api-key": adminKey }), what).toMatch(IN_HANDSHAKE);
  },
);

test("a chain that is dressed up to lead to the other authority leads nowhere", async () => {
  // As our issuing authority is named, and signed by the authority of clients: of the right names, and of the wrong keys.
  const subject = openssl("x509", "-in", "issuing-a.pem", "-noout", "-subject", "-nameopt", "compat");
  const name = `/${subject
    .replace(/^subject= */, "")
    .trim()
    .replace(/^\//, "")}`;
  openssl("req", "-new", ...EC, "-keyout", "fake.key", "-subj", name, "-out", "fake.csr");
  writeFileSync(at("ca-ext"), "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
  const by = ["-CA", "clients.pem", "-CAkey", "clients.key", "-CAcreateserial", "-days", "1"];
  openssl("x509", "-req", "-in", "fake.csr", ...by, "-extfile", "ca-ext", "-out", "fake.pem");
  const leaf = signed("fake", worker("w1"));
  const real = readFileSync(at("issuing-a.pem"), "utf8");
  for (const cert of [leaf.cert, `${leaf.cert}${real}`, `${leaf.cert}${real}${ca}`]) {
    expect(await hello(opened.grpcPort, { ...leaf, cert }, "w1")).toMatch(IN_HANDSHAKE);
  }
  // A client's name is right under an authority that clients' own has signed.
  const good = signed("fake", client("boss"));
  expect(await listed(opened.grpcPort, good)).toBe("listed");
});

test("a name that nobody has said anything about is nobody's, with a reason, and the audit log knows", async () => {
  const stranger = signed("clients", client("stranger"));
  opened.refused.length = 0;
  expect(await listed(opened.grpcPort, stranger)).toMatch(
    /^Unauthenticated the certificate is of client "stranger", for which client-certificates of this server has no entry/,
  );
  expect(opened.refused).toMatchObject([
    { actor: "spiffe://taskrun/client/stranger", action: "key.use", detail: "CERTIFICATE_UNKNOWN" },
  ]);
});

test("the end of a certificate ends what is asked over its connection, and not yet what is open", async () => {
  const ci = signed("clients", client("ci"));
  const end = Date.parse(openssl("x509", "-in", "leaf.pem", "-noout", "-enddate").replace("notAfter=", ""));
  const tasks = createClient(TaskService, transport(opened.grpcPort, ci));
  const { id } = await tasks.createTask({ agentName: "a", namespace: "research" });
  const ending = new AbortController();
  const watched = (async () => {
    for await (const _ of tasks.watchTask({ id }, { signal: ending.signal })) {
      // What has happened already does not end it.
    }
    return "ended";
  })().catch(outcomeOf);
  await expect.poll(() => opened.plane.watchers).toBe(1);
  vi.useFakeTimers({ toFake: ["Date"], now: end + 1 });
  const asked = await tasks.getTask({ id }).catch(outcomeOf);
  vi.useRealTimers();
  expect(asked).toMatch(/^Unauthenticated the certificate of client "ci" has ended/);
  expect(opened.plane.watchers).toBe(1);
  ending.abort();
  expect(await watched).toMatch(/^Canceled/);
});

test("authorities of clients can be replaced while the server runs", async () => {
  const before = signed("clients", client("boss"));
  const { callerCa } = tls.identity;
  tls.replace({ ...tls.identity, callerCa: authority("next") });
  expect(await listed(opened.grpcPort, before)).toMatch(IN_HANDSHAKE);
  expect(await listed(opened.grpcPort, signed("next", client("boss")))).toBe("listed");
  tls.replace({ ...tls.identity, ...(callerCa && { callerCa }) });
  expect(await listed(opened.grpcPort, before)).toBe("listed");
});
