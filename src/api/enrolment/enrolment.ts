import {
  type EnrolledWorker,
  type EnrolmentRow,
  enrolledId,
  type TokenRow,
  type WorkerCertificate,
  type WorkerTerms,
} from "#domain/access/enrolment";
import { type WorkerName, workerUri } from "#domain/access/spiffe";
import { auditRecord } from "#domain/audit/record";
import type { Caller, WorkerCredential } from "#domain/caller";
import { Fault } from "#domain/fault";
import { type Instant, instant, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";
import type { CheckedCsr, IssuedCertificate, WorkerAuthority } from "#ports/authority";
import type { EnrolmentStore } from "#ports/enrolment";
import type { Log, Telemetry } from "#ports/telemetry";
import { isSecret } from "../access/key-text.js";
import type { Rotation } from "../authority/rotation.js";
import { Attempts } from "./attempts.js";
import { certifiedRows } from "./certified-rows.js";
import { countedAs } from "./counts.js";
import { Denials } from "./denials.js";
import { LiveStreams } from "./live-streams.js";
import { certificateEnded, changedMeanwhile, notRotated, tokenEnded, tokenInvalid } from "./refusals.js";
import { makeToken, readToken } from "./token-text.js";

export interface EnrolmentParts {
  readonly store: EnrolmentStore;
  readonly authority: WorkerAuthority;
  /** How another authority takes the place of this one; absent if that is not the server's to do. */
  readonly rotation?: Rotation | undefined;
  readonly now: () => Instant;
  readonly log: Log;
  /** Counts certificates, and requests for them that are refused; nobody counts if left out. */
  readonly telemetry?: Pick<Telemetry, "count"> | undefined;
  /** How long a worker's certificate lasts. */
  readonly life: Millis;
  /** Where is written who was invited, enrolled, renewed and revoked; absent if there is no audit log. */
  readonly audit?: AuditTrail | undefined;
}

/** What the audit log says of a change, of which the time is now. */
export interface Told {
  readonly actor: string;
  readonly action: "worker.invite" | "worker.enrol" | "worker.renew" | "worker.revoke";
  readonly worker: WorkerName;
  readonly detail?: string;
}

/** What an invited worker is to be. */
export interface Invited extends WorkerTerms {
  readonly worker: WorkerName;
  readonly ttl: Millis;
}

/** What a worker is given. */
export interface WorkerIdentity {
  readonly worker: WorkerName;
  readonly cert: string;
  readonly chain: string;
  /** The roots to be trusted, as PEM. */
  readonly root: string;
  readonly notAfter: Instant;
  readonly renewAfter: Millis;
}

/** A secret that is nobody's: what is unknown is compared too, so that it takes as long. */
const NOBODY = "0".repeat(64);

/**
 * Makes workers of those who have a token, and renews what they are known by. The store has the truth: a token's use and the
 * certificate for it are one commit, so that of any number of attempts, on any server, one has the certificate.
 */
export class Enrolment {
  readonly store: EnrolmentStore;
  readonly denials: Denials;
  readonly streams: LiveStreams;
  readonly #parts: EnrolmentParts;
  readonly #attempts = new Attempts();

  constructor(parts: EnrolmentParts) {
    this.#parts = parts;
    this.store = parts.store;
    this.denials = new Denials(parts.store, parts.now);
    const { rotation } = parts;
    this.streams = new LiveStreams({
      isRevoked: (serial) => this.denials.has(serial),
      isDropped: (root) => rotation?.isDropped(root) === true,
      version: () => rotation?.version ?? 0,
      now: parts.now,
    });
    if (rotation) rotation.changed = () => this.streams.sweep();
  }

  /** @throws {Fault} `wrong_state` if the authority is not this server's own */
  get rotation(): Rotation {
    if (this.#parts.rotation) return this.#parts.rotation;
    throw notRotated();
  }

  get pin(): string {
    return this.#parts.authority.pin;
  }

  get now(): Instant {
    return this.#parts.now();
  }

  /** Makes a token for each. @returns their texts, which are kept nowhere */
  async invite(
    caller: Caller,
    invited: readonly Invited[],
  ): Promise<readonly { readonly row: TokenRow; readonly text: string }[]> {
    const made = invited.map(({ ttl, ...terms }) => {
      const { id, text, hash } = makeToken();
      const createdAt = this.now;
      const endsAt = instant(createdAt + ttl);
      const row = { kind: "token", id, revision: 1, hash, createdAt, createdBy: caller.principal } as const;
      return { row: { ...row, ...terms, endsAt }, text };
    });
    const told = made.map(({ row: { worker, id } }): Told => {
      return { actor: caller.principal, action: "worker.invite", worker, detail: `token ${id}` };
    });
    await this.write(
      made.map(({ row }) => row),
      told,
    );
    for (const { row } of made) {
      this.#parts.log.info("a worker was invited", {
        worker: enrolledId(row.worker),
        by: row.createdBy,
        token: row.id,
      });
    }
    return made;
  }

  /**
   * A certificate for whoever has the token and the key.
   *
   * @param address where the request comes from: attempts that fail are limited for each
   * @throws {Fault} `unauthenticated` for the token; `invalid` or `denied` for the request, and the token can still be used;
   *   `overloaded` after too many attempts
   */
  async enrol(token: string, csr: string, address: string): Promise<WorkerIdentity> {
    try {
      return await countedAs("enrolled", this.#parts.telemetry, this.#enrol(token, csr, address));
    } catch (error) {
      const object = `token ${readToken(token)?.id ?? "of no form"}`;
      const detail = error instanceof Fault ? (error.reason ?? error.code.toUpperCase()) : "";
      this.#parts.audit?.refused({ actor: "anonymous", action: "worker.enrol", object, detail });
      throw error;
    }
  }

  async #enrol(token: string, csr: string, address: string): Promise<WorkerIdentity> {
    const attempts = [this.#attempts.ofAddress(address, this.now)];
    const parts = readToken(token);
    const row = parts && (await this.store.get("token", parts.id));
    if (row) attempts.push(this.#attempts.ofToken(row.id, this.now));
    const isRight = isSecret(parts?.secret ?? "", row?.hash ?? NOBODY);
    if (!row || !isRight) throw tokenInvalid();
    if (!row.used && this.now >= row.endsAt) throw tokenEnded("has expired");
    const request = await this.#parts.authority.check(csr);
    const identity = await this.#useToken(row, request);
    for (const attempt of attempts) attempt.succeeded();
    return identity;
  }

  async #useToken(found: TokenRow, csr: CheckedCsr): Promise<WorkerIdentity> {
    const { worker, namespaces, labels, agents, createdBy } = found;
    let token: TokenRow | undefined = found;
    for (let tries = 0; token && tries < limits.enrolmentTries; tries++) {
      if (token.used) return this.#again(token, csr);
      const at = this.now;
      // It may have been ended meanwhile, by a revocation.
      if (at >= token.endsAt) throw tokenEnded("has expired");
      const issued = await this.#parts.authority.issue(csr, worker, this.#parts.life);
      const { chain, bundle } = issued;
      const used = { at, spkiHash: csr.spkiHash, cert: issued.cert, chain, bundle };
      const state = { namespaces, labels, agents, enrolledAt: at, invitedBy: createdBy, revokedAt: 0 };
      const rows: readonly EnrolmentRow[] = [
        { ...token, revision: token.revision + 1, used },
        ...(await certifiedRows(this, worker, csr, issued, state)),
      ];
      const detail = `certificate ${issued.serial}, by token ${token.id}`;
      const told: Told = { actor: workerUri(worker), action: "worker.enrol", worker, detail };
      if (await this.write(rows, [told])) {
        this.#parts.log.info("a worker was enrolled", { worker: enrolledId(worker), serial: issued.serial });
        return this.#identity(worker, issued, issued.notAfter);
      }
      await this.#parts.rotation?.look();
      token = await this.store.get("token", token.id);
    }
    throw token ? changedMeanwhile(worker) : tokenInvalid();
  }

  /** The same answer for the same key, for a while: the first one may not have arrived. */
  async #again({ used, worker }: TokenRow, csr: CheckedCsr): Promise<WorkerIdentity> {
    const isSame = used?.spkiHash === csr.spkiHash && this.now - used.at <= limits.enrolAgain;
    const row = isSame ? await this.store.get("worker", enrolledId(worker)) : undefined;
    const certificate = row?.certificates.find(({ spkiHash }) => spkiHash === csr.spkiHash);
    if (!used || !certificate) throw tokenEnded("was used already");
    const { bundle = this.#parts.authority.bundle } = used;
    return this.#identity(worker, { ...used, bundle }, certificate.notAfter);
  }

  /** A further certificate of a worker, for another key. @throws {Fault} what {@link admit} throws */
  renew(credential: WorkerCredential, csr: string): Promise<WorkerIdentity> {
    return countedAs("renewed", this.#parts.telemetry, this.#renew(credential, csr));
  }

  /** Refuses from now on what a worker had, once that is written. */
  revoked(worker: EnrolledWorker): void {
    this.denials.add(worker);
    this.#parts.telemetry?.count("taskrun_workers_revoked_total");
  }

  async #renew(credential: WorkerCredential, csr: string): Promise<WorkerIdentity> {
    const request = await this.#parts.authority.check(csr);
    const { worker } = credential;
    for (let tries = 0; tries < limits.enrolmentTries; tries++) {
      await this.admit(credential);
      const issued = await this.#parts.authority.issue(request, worker, this.#parts.life);
      const detail = `certificate ${issued.serial}, in the place of ${credential.serial}`;
      const told: Told = { actor: workerUri(worker), action: "worker.renew", worker, detail };
      if (!(await this.write(await certifiedRows(this, worker, request, issued), [told]))) {
        await this.#parts.rotation?.look();
        continue;
      }
      this.#parts.log.debug("a worker's certificate was renewed", {
        worker: enrolledId(worker),
        serial: issued.serial,
      });
      return this.#identity(worker, issued, issued.notAfter);
    }
    throw changedMeanwhile(worker);
  }

  /**
   * What a worker is by its record.
   *
   * @throws {Fault} `unauthenticated` if its certificate has ended, was revoked, or counts no more
   */
  async admit({ worker, serial, notAfter }: WorkerCredential): Promise<EnrolledWorker> {
    if (this.now >= notAfter) throw certificateEnded("has ended");
    const row = await this.store.get("worker", enrolledId(worker));
    const certificate = row?.certificates.find((each) => each.serial === serial);
    if (!row || !certificate) throw certificateEnded("was revoked");
    if (this.#parts.rotation?.isDropped(certificate.root))
      throw certificateEnded("is of an authority that has gone");
    return row;
  }

  /** Notes that a worker has shown this certificate of its own: it has kept it, and the roots that came with it. */
  async acknowledge(found: EnrolledWorker, { version = 0 }: WorkerCertificate): Promise<void> {
    let row: EnrolledWorker | undefined = found;
    for (let tries = 0; row && tries < limits.enrolmentTries; tries++) {
      if ((row.acknowledged ?? 0) >= version) return;
      if (await this.write([{ ...row, revision: row.revision + 1, acknowledged: version }], [])) return;
      row = await this.store.get("worker", row.id);
    }
    if (row) throw changedMeanwhile(row.worker);
  }

  /** Writes rows, and what the audit log says of it. @returns false if one has moved; then nothing is written */
  async write(rows: readonly EnrolmentRow[], told: readonly Told[]): Promise<boolean> {
    const { audit } = this.#parts;
    const records = told.map(({ worker, detail = "", ...said }) =>
      auditRecord({
        ...said,
        at: this.now,
        object: `worker ${worker.name}`,
        namespace: worker.namespace,
        detail,
      }),
    );
    const append = audit && records.length > 0 ? { chain: audit.chain, records } : undefined;
    if (!(await this.store.put(rows, append))) return false;
    audit?.committed(records.length);
    return true;
  }

  #identity(
    worker: WorkerName,
    { cert, chain, bundle }: Pick<IssuedCertificate, "cert" | "chain" | "bundle">,
    notAfter: Instant,
  ): WorkerIdentity {
    const renewAfter = millis(Math.max(0, Math.floor(((notAfter - this.now) * 2) / 3)));
    return { worker, cert, chain, root: bundle, notAfter, renewAfter };
  }
}
