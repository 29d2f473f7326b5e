/** A plane with an audit log behind listeners with TLS, keys and an authority, and all who call it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { createClient as connectClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { exportJWK, generateKeyPair } from "jose";
import { vi } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { TokenCallers } from "#api/access/token-callers";
import { Rotation } from "#api/authority/rotation";
import { Enrolment } from "#api/enrolment/enrolment";
import { type Budget, createClient, type Task, type TaskRunClient } from "#client/index";
import { startControlPlane } from "#control-plane";
import { RoleTable } from "#domain/access/roles";
import type { Scope } from "#domain/access/scopes";
import type { AuditEntry } from "#domain/audit/record";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import type { Requirement } from "#gateway/access/policy";
import { openGateway } from "#gateway/server";
import { AuditLog } from "#host/audit/audit-log";
import { readKeySet } from "#host/jwt/key-set";
import { tokenVerifier } from "#host/jwt/verifier";
import { issueServer, openAuthority, pinOf } from "#host/tls/authority";
import { openOwnAuthority } from "#host/tls/own-authority";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import { memoryStore } from "#stores/memory/index";
import { EnrollmentService } from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { type RunClientMessage, RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TestSource } from "../kit/tls.js";

/** A certificate with its key, and the token by which it came. */
export interface Enrolled {
  readonly token: string;
  readonly cert: string;
  readonly key: string;
}

/** Somebody with Tasks of its own. */
export interface Creator {
  readonly client: TaskRunClient;
  /** A Task that nobody takes. */
  waiting(budget?: Budget): Promise<Task>;
  /** One that has ended. */
  ended(): Promise<Task>;
  /** One that has failed. */
  failed(): Promise<Task>;
  /** One that waits for the signal `approve`. */
  asking(): Promise<Task>;
}

export interface AuditedWorld {
  readonly operator: TaskRunClient;
  readonly operatorPrincipal: string;
  readonly creator: Creator;
  /** Everything in the log; refusals only when {@link AuditedWorld.refused} was called. */
  entries(): Promise<readonly AuditEntry[]>;
  /** The refusals since this was called last. */
  refused(): Promise<readonly AuditEntry[]>;
  templateText(version: string): string;
  keyOf(role: string, namespaces?: readonly string[] | "*"): Promise<{ id: string; text: string }>;
  /** A key that may do everything but this. */
  keyWithout(scope: Requirement): Promise<{ id: string; text: string }>;
  /** The id of a key that is of no use otherwise. */
  spareKey(): Promise<string>;
  revokedKey(): Promise<string>;
  /** Invites a worker, and enrols it over gRPC. */
  enrol(name: string): Promise<Enrolled>;
  enrolWith(token: string): Promise<unknown>;
  /** The same over HTTP, as curl does. */
  enrolByHttp(name: string): Promise<void>;
  renew(worker: Enrolled): Promise<unknown>;
  /** Resolves when the worker was welcomed. */
  connectWorker(id: string): Promise<void>;
  ask(method: DescMethod, request: Message, key: string): Promise<unknown>;
  askOperator(method: DescMethod, request: object): Promise<unknown>;
  askWith(method: DescMethod, request: Message, headers: Record<string, string>): Promise<unknown>;
  askShowing(shown: Pick<Enrolled, "cert" | "key">, method: DescMethod, request: Message): Promise<unknown>;
  /** Gets a path over HTTP. @returns the status of the answer */
  status(path: string, key: string): Promise<number>;
  /** A certificate of an authority that is not ours. */
  stranger(): Pick<Enrolled, "cert" | "key">;
  stop(): Promise<void>;
}

const HOUR = millis(3_600_000);
const quiet = () => undefined;
const NO_LOG = { debug: quiet, info: quiet, warn: quiet, error: quiet };
/** Nothing happens by itself: refusals are written when a test asks for them. */
const clock: Clock = {
  now: () => instant(Date.now()),
  monotonic: () => 0,
  wakeAt: () => quiet,
  yield: async () => {},
};

/** All scopes but one, as roles of the configuration. */
const without = (scope: string) => `without.${scope.replace(":", ".")}`;

export async function openAuditedWorld(): Promise<AuditedWorld> {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-audited-"));
  const { scopes } = await import("#domain/access/scopes");
  const roles = new RoleTable(
    new Map(
      scopes.map((scope): [string, Scope[]] => [without(scope), scopes.filter((each) => each !== scope)]),
    ),
  );
  const store = memoryStore();
  if (!store.credentials || !store.audit || !store.enrolment) throw new Error("the memory store keeps all");
  let drawn = 0;
  const audit = new AuditLog({
    ...{ store: store.audit, chain: "server", clock, log: NO_LOG, uuid: () => `${++drawn}` },
    retention: { age: millis(1e12), entries: 100_000 },
  });
  const keys = new KeyRing({ store: store.credentials, now: clock.now, roles, audit });
  const root = await openAuthority(folder, Date.now());
  const authority = await openOwnAuthority({
    folder,
    now: () => instant(Date.now()),
    row: undefined,
    isShared: false,
  });
  const life = limits.workerCertificateLife;
  const parts = { store: store.enrolment, authority, now: clock.now, log: NO_LOG, audit };
  const rotation = new Rotation({ ...parts, node: undefined, nodes: async () => [] }, undefined);
  await rotation.adopt();
  const enrolment = new Enrolment({ ...parts, rotation, life });
  const identity = await issueServer(root, { dns: ["localhost"], ip: ["127.0.0.1"] }, Date.now());
  const issuer = await exportJWK((await generateKeyPair("ES256")).publicKey);
  const control = await startControlPlane({
    store,
    audit: { open: () => audit, start: quiet, close: async () => {} },
  });
  const gateway = await openGateway({
    ...{ plane: control.plane, entropy: control.entropy, telemetry: control.telemetry },
    ...{ schemas: control.schemas, environment: "test", keys, roles, enrolment },
    tokens: new TokenCallers(
      tokenVerifier({
        find: readKeySet(JSON.stringify({ keys: [{ ...issuer, kid: "k" }] })),
        ...{ issuer: "i", audience: ["a"], algorithms: ["ES256"], now: clock.now },
      }),
      { jwtPrincipalClaim: "sub", jwtRoleClaim: "role", jwtRoles: new Map(), jwtNamespacesClaim: "ns" },
      roles,
      audit,
    ),
    metrics: { contentType: "text/plain", render: async () => "" },
    // Nothing is looked at: a viewer would wait for the plane.
    inspection: {
      attach: () => undefined,
      replay: () => ({ begin: () => [], next: () => undefined }),
    } as never,
    tls: new TestSource({ ...identity, clientCa: root.cert }),
    audit: { trail: audit, store: store.audit },
    grpc: ["127.0.0.1:0"],
    http: ["127.0.0.1:0"],
  });
  const [grpc = "", http = ""] = [gateway.grpc[0], gateway.http[0]];
  const closing: (() => void)[] = [];
  const keyOf = async (role: string, namespaces: readonly string[] | "*" = "*") => {
    const by = { ...LOCAL_CALLER, roles: ["admin", ...scopes.map(without)] };
    const { row, text } = await keys.make(by, { name: role, role, namespaces, ttl: HOUR });
    return { id: row.id, text };
  };
  const clientOf = (apiKey: string) => {
    const client = createClient({ addr: `https://${grpc}`, apiKey, caPin: pinOf(root.cert) });
    closing.push(() => client.close());
    return client;
  };
  const transportOf = (shown: Partial<Enrolled> = {}): Transport => {
    const { cert, key } = shown;
    const nodeOptions = { ca: root.cert, ...(cert && { cert }), ...(key && { key }) };
    return createGrpcTransport({ baseUrl: `https://localhost:${grpc.split(":").at(-1)}`, nodeOptions });
  };
  const plain = transportOf();
  const askBy = async (transport: Transport, method: DescMethod, request: Message, headers: object) => {
    if (method.methodKind === "unary")
      return transport.unary(method as never, undefined, 5_000, headers as never, request as never);
    async function* once() {
      yield request;
    }
    const { message } = await transport.stream(
      method as never,
      undefined,
      5_000,
      headers as never,
      once() as never,
    );
    for await (const answer of message) return answer;
    return undefined;
  };
  const admin = await keyOf("admin");
  const operator = clientOf(admin.text);
  const creator = creatorOf(clientOf((await keyOf("admin")).text));
  const certify = async (token: string): Promise<Enrolled> => {
    const { key, csr } = requested(folder);
    const { certificate, chain } = await connectClient(EnrollmentService, plain).enroll({ token, csr });
    return { token, key, cert: certificate + chain };
  };
  const invite = async (name: string) => (await operator.enrollment.invite({ name }))[0]?.token ?? "";
  let seen = 0;
  const templateText = (version: string) => `name: audited
namespace_name: orders
version: ${version}
steps:
  - name: ask
    type: signal
    signal: { name: approve }
`;
  await creator.client.templates.register(templateText("1.0.0"));

  return {
    operator,
    operatorPrincipal: `key:${admin.id}`,
    creator,
    entries: async () => (await store.audit?.entries(undefined, 100_000)) ?? [],
    refused: async () => {
      await audit.flush();
      const all = (await store.audit?.entries(undefined, 100_000)) ?? [];
      const found = all.slice(seen).filter(({ result }) => result === "refused");
      seen = all.length;
      return found;
    },
    templateText,
    keyOf,
    keyWithout: (scope) => keyOf(without(scope)),
    spareKey: async () => (await keyOf("viewer")).id,
    revokedKey: async () => {
      const { id, text } = await keyOf("viewer");
      await keys.revoke(LOCAL_CALLER, id);
      return text;
    },
    enrol: async (name) => certify(await invite(name)),
    enrolWith: certify,
    enrolByHttp: async (name) => {
      const body = JSON.stringify({ bootstrap_token: await invite(name), csr: requested(folder).csr });
      const status = await statusOf(`https://localhost:${http.split(":").at(-1)}/v1/enroll`, root.cert, {
        body,
      });
      if (status !== 200) throw new Error(`it answers ${status}`);
    },
    renew: (worker) => {
      const client = connectClient(EnrollmentService, transportOf(worker));
      return client.renewCertificate({ csr: requested(folder).csr });
    },
    connectWorker: async (id) => {
      const { text } = await keyOf("worker");
      const ending = new AbortController();
      closing.push(() => ending.abort());
      async function* said() {
        const info = { workerId: id, agents: [{ name: "idle" }] };
        yield {
          payload: { case: "hello", value: { info, protocol: 1, instance: id } },
        } as never as RunClientMessage;
        await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
      }
      const headers = { "x-api-key": text };
      const answers = connectClient(RunService, plain).streamConnect(said(), {
        signal: ending.signal,
        headers,
      });
      const first = await answers[Symbol.asyncIterator]().next();
      if (first.done) throw new Error("the worker was not welcomed");
    },
    ask: (method, request, key) => askBy(plain, method, request, { "x-api-key": key }),
    askOperator: (method, request) =>
      askBy(plain, method, create(method.input, request as never) as Message, { "x-api-key": admin.text }),
    askWith: (method, request, headers) => askBy(plain, method, request, headers),
    askShowing: (shown, method, request) => askBy(transportOf(shown), method, request, {}),
    status: (path, key) => statusOf(`https://localhost:${http.split(":").at(-1)}${path}`, root.cert, { key }),
    stranger: () => selfSigned(folder),
    stop: async () => {
      for (const close of closing.splice(0)) close();
      await gateway.close(1_000);
      await control.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

function creatorOf(client: TaskRunClient): Creator {
  const waiting = (budget?: Budget) =>
    client.tasks.create({ agent: "nobody", input: {}, ...(budget && { budget }) });
  return {
    client,
    waiting,
    ended: async () => client.tasks.cancel((await waiting()).id),
    failed: async () => {
      const { id } = await client.tasks.create({ agent: "nobody", input: {}, timeoutMs: 1 });
      return vi.waitFor(async () => {
        const task = await client.tasks.get(id);
        if (task.status !== "FAILED") throw new Error("it has not failed yet");
        return task;
      });
    },
    asking: () => client.tasks.create({ template: { namespace: "orders", name: "audited" }, input: {} }),
  };
}

const openssl = (folder: string, ...words: string[]) =>
  execFileSync("openssl", words, { cwd: folder, encoding: "utf8", stdio: "pipe" });
const EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A key and a request for it, by openssl. */
function requested(folder: string): { key: string; csr: string } {
  openssl(folder, "req", "-new", ...EC, "-keyout", "w.key", "-subj", "/CN=x", "-out", "w.csr");
  return {
    key: readFileSync(join(folder, "w.key"), "utf8"),
    csr: readFileSync(join(folder, "w.csr"), "utf8"),
  };
}

function selfSigned(folder: string): { key: string; cert: string } {
  const uri = "subjectAltName=URI:spiffe://taskrun/t/default/w/w-out";
  openssl(
    folder,
    "req",
    "-x509",
    ...EC,
    "-keyout",
    "s.key",
    "-subj",
    "/CN=x",
    "-addext",
    uri,
    "-out",
    "s.pem",
  );
  return {
    key: readFileSync(join(folder, "s.key"), "utf8"),
    cert: readFileSync(join(folder, "s.pem"), "utf8"),
  };
}

function statusOf(
  url: string,
  ca: string,
  { key, body }: { readonly key?: string; readonly body?: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", ...(key !== undefined && { "x-api-key": key }) };
    const method = body === undefined ? "GET" : "POST";
    const request = httpsRequest(url, { method, ca, headers, agent: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    request.on("error", reject);
    request.end(body);
  });
}
