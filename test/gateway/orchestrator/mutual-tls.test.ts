/** Workers of orchestrator.v1 that are known by the certificate with which they have enrolled, over both listeners. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KeyRing } from "#api/access/key-ring";
import { Enrolment } from "#api/enrolment/enrolment";
import { LOCAL_CALLER } from "#domain/caller";
import { instant } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { issueServer, openAuthority } from "#host/tls/authority";
import { openIssuing } from "#host/tls/issuing";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { Scheduler, WorkerResponseSchema } from "#wire/gen/orchestrator/v1/orchestrator_pb";
import { makeKey, requestFor } from "#worker/identity/csr";
import { type Opened, open } from "../kit/open.js";
import { answerWorkers } from "../kit/samples.js";
import { TestSource } from "../kit/tls.js";

interface Shown {
  readonly cert: string;
  readonly key: string;
}

let folder: string;
let opened: Opened;
let enrolment: Enrolment;
let ca: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "taskrun-slots-"));
  const now = () => instant(Date.now());
  const root = await openAuthority(folder, now());
  ca = root.cert;
  const { enrolment: store, credentials } = memoryStore();
  if (!store || !credentials) throw new Error("the memory store keeps both");
  const authority = await openIssuing(folder, root, now);
  const { log } = silentTelemetry();
  enrolment = new Enrolment({ store, authority, now, log, life: limits.workerCertificateLife });
  const identity = await issueServer(root, { dns: ["localhost"], ip: ["127.0.0.1"] }, now());
  const tls = new TestSource({ ...identity, clientCa: ca });
  opened = await open({ keys: new KeyRing({ store: credentials, now }), enrolment, tls });
  answerWorkers(opened.plane);
});
afterAll(async () => {
  await opened.gateway.close(1_000);
  rmSync(folder, { recursive: true });
});

/** A key, and the certificate that a worker of this name has got for it. */
async function enrolled(name: string): Promise<Shown> {
  const worker = { namespace: "default", name };
  const terms = { worker, namespaces: "*", labels: {}, agents: [], ttl: limits.inviteLife } as const;
  const [made] = await enrolment.invite(LOCAL_CALLER, [terms]);
  const key = await makeKey();
  const { cert, chain } = await enrolment.enrol(made?.text ?? "", await requestFor(key), "here");
  return { key, cert: cert + chain };
}

/** Registers by a heartbeat. @returns the first Task that it is given, or the failure */
async function registered(port: number, shown: Partial<Shown>, workerId: string): Promise<string> {
  const ending = new AbortController();
  async function* messages() {
    const value = { workerId, availableSlots: 1 };
    yield create(WorkerResponseSchema, { message: { case: "heartbeat", value } });
    await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
  }
  const nodeOptions = { ca, ...shown };
  const transport = createGrpcTransport({ baseUrl: `https://localhost:${port}`, nodeOptions });
  try {
    const { registerWorker } = createClient(Scheduler, transport);
    for await (const { taskId } of registerWorker(messages(), { signal: ending.signal, timeoutMs: 5_000 }))
      return taskId;
    return "ended";
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return `${Code[code]} ${rawMessage}`;
  } finally {
    ending.abort();
  }
}

test.each(["grpcPort", "httpPort"] as const)(
  "a worker is let in by its certificate alone, and under no id but its own (%s)",
  async (port) => {
    const [own, others] = [`own-${port}`, `others-${port}`];
    const [shown] = [await enrolled(own), await enrolled(others)];
    expect(await registered(opened[port], shown, own)).toBe("given");
    expect(await registered(opened[port], shown, others)).toMatch(/^PermissionDenied .*another worker's/);
    expect(await registered(opened[port], {}, own)).toMatch(/^Unauthenticated/);
  },
);
