/** Servers of one plane, each with a folder of its own, over one store in memory; and workers that renew as they are told. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Rotation } from "#api/authority/rotation";
import { admit } from "#api/enrolment/admit";
import { Enrolment, type WorkerIdentity } from "#api/enrolment/enrolment";
import { AUTHORITY_ID, type AuthorityPhase } from "#domain/access/authority";
import { type Caller, LOCAL_CALLER, type WorkerCredential } from "#domain/caller";
import type { NodeId } from "#domain/id";
import type { NodeView } from "#domain/node";
import { type Instant, instant } from "#domain/time/time";
import { type OwnAuthority, openOwnAuthority } from "#host/tls/own-authority";
import { privateFolder } from "#host/tls/private-files";
import { limits } from "#limits/index";
import type { AuditStore, AuditTrail } from "#ports/audit";
import type { EnrolmentStore } from "#ports/enrolment";
import { memoryStore } from "#stores/memory/index";

const NO_LOG = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Requests of different keys, made once for all tests: each costs a process. */
const csrs: string[] = [];
const KEYS = 12;

export interface TestServer {
  readonly folder: string;
  readonly authority: OwnAuthority;
  readonly rotation: Rotation;
  readonly enrolment: Enrolment;
}

/** A worker: its key, and what it has kept. */
export interface TestWorker {
  readonly name: string;
  kept: WorkerIdentity;
}

export class TestPlane {
  readonly dir = mkdtempSync(join(tmpdir(), "taskrun-rotation-"));
  now: Instant = instant(Math.floor(Date.now() / 1_000) * 1_000);
  /** What servers write to: a test may put something before it. */
  store: EnrolmentStore;
  readonly kept: EnrolmentStore;
  readonly audit: AuditStore;
  /** Ids of servers that the others take for live. */
  readonly live: string[] = [];
  #drawn = 0;

  constructor() {
    const { enrolment, audit } = memoryStore();
    if (!enrolment || !audit) throw new Error("the memory store keeps both");
    this.kept = enrolment;
    this.store = enrolment;
    this.audit = audit;
  }

  end(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Starts a server, as a process does: with what is in its folder and in the store. @param id absent for one that has the store for itself */
  async server(name: string, id?: string): Promise<TestServer> {
    const folder = join(this.dir, name);
    await privateFolder(folder);
    const row = await this.kept.get("authority", AUTHORITY_ID);
    const authority = await openOwnAuthority({
      folder,
      now: () => this.now,
      row,
      isShared: id !== undefined,
    });
    const audit: AuditTrail = {
      chain: id ?? "server",
      refused: () => {},
      record: async () => {},
      committed: () => {},
    };
    // Read at each call: a test may put something before the store at any time.
    const store: EnrolmentStore = {
      get: (...args) => this.store.get(...args),
      list: (...args) => this.store.list(...args),
      denied: (...args) => this.store.denied(...args),
      put: (...args) => this.store.put(...args),
      removeEnded: (...args) => this.store.removeEnded(...args),
    };
    const parts = { store, authority, now: () => this.now, log: NO_LOG, audit };
    const nodes = async () => this.live.map((each) => ({ id: each as NodeId, state: "live" }) as NodeView);
    const rotation = new Rotation({ ...parts, node: id, nodes }, row);
    if (id === undefined) await rotation.adopt();
    const life = limits.workerCertificateLife;
    const enrolment = new Enrolment({ ...parts, rotation, life });
    return { folder, authority, rotation, enrolment };
  }

  /** What an operator does before a second server is started, and when it lacks the next authority. */
  copyAuthority(from: string, to: string): void {
    for (const name of ["ca.pem", "ca.key"]) {
      const [source, target] = [join(this.dir, from, name), join(this.dir, to, name)];
      mkdirSync(join(target, ".."), { recursive: true, mode: 0o700 });
      if (existsSync(source)) cpSync(source, target);
    }
  }

  async enrol({ enrolment }: TestServer, name: string): Promise<TestWorker> {
    const worker = { namespace: "default", name };
    const terms = { worker, namespaces: "*", labels: {}, agents: [], ttl: limits.inviteLife } as const;
    const [made] = await enrolment.invite(LOCAL_CALLER, [terms]);
    return { name, kept: await enrolment.enrol(made?.text ?? "", this.csr(), "here") };
  }

  /** Asks for another certificate, and keeps it. */
  async renew({ enrolment }: TestServer, worker: TestWorker): Promise<void> {
    worker.kept = await enrolment.renew(credentialOf(worker.kept), this.csr());
  }

  /** Connects with what is kept. */
  async show({ enrolment }: TestServer, { name, kept }: TestWorker): Promise<void> {
    const certificate = credentialOf(kept);
    const caller: Caller = { principal: name, namespaces: "*", roles: ["worker"], certificate };
    const claims = { workerId: name, namespaces: [], labels: {}, agents: [], drawsItsId: false };
    await admit(caller, claims, enrolment);
  }

  async said(): Promise<readonly string[]> {
    const entries = await this.audit.entries(undefined, 100);
    return entries
      .filter(({ action }) => action === "ca.change")
      .map(({ actor, detail }) => `${actor} ${detail}`);
  }

  /** A request; of the next ones each is of another key. */
  csr(): string {
    this.#drawn = (this.#drawn + 1) % KEYS;
    csrs[this.#drawn] ??= this.#request(this.#drawn);
    return csrs[this.#drawn] as string;
  }

  #request(i: number): string {
    const [key, csr] = [join(this.dir, `${i}.key`), join(this.dir, `${i}.csr`)];
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    execFileSync("openssl", ["req", "-new", ...ec, "-keyout", key, "-subj", "/CN=x", "-out", csr], {
      stdio: "pipe",
    });
    return readFileSync(csr, "utf8");
  }
}

export function credentialOf({ worker, cert, notAfter }: WorkerIdentity): WorkerCredential {
  return { worker, serial: new X509Certificate(cert).serialNumber.toLowerCase(), notAfter };
}

/** True if one of the roots is above the certificate, by the authority that was shown with it. */
export function isTrusted({ cert, chain }: WorkerIdentity, bundle: string): boolean {
  const issuer = new X509Certificate(chain);
  const roots = bundle.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const isIssued = new X509Certificate(cert).verify(issuer.publicKey);
  return isIssued && roots.some((root) => issuer.verify(new X509Certificate(root).publicKey));
}

export const order: readonly AuthorityPhase[] = ["init", "update_clients", "update_servers", "standby"];
