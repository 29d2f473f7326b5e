/** The issuing authority, which signs what workers show: between the root and them, so that the root's key is seldom in use. */
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as Peculiar,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type WorkerName, workerUri } from "#domain/access/spiffe";
import { instant, type Millis } from "#domain/time/time";
import { writePrivate } from "#files/private";
import { limits } from "#limits/index";
import type { CheckedCsr, IssuedCertificate, WorkerAuthority } from "#ports/authority";
import { checkCsr } from "./csr.js";
import { readPrivate } from "./private-files.js";
import {
  type Authority,
  ECDSA,
  exportKey,
  importKey,
  lifetime,
  makeKeys,
  makeSerial,
  pinOf,
} from "./x509.js";

/** There are two places, so that a new authority can be made while the one before is still in use. */
export const slots = ["a", "b"] as const;
export type Slot = (typeof slots)[number];

/** The files of a slot, and the one that says which slot is in use. */
export const issuingFiles = {
  cert: (slot: Slot) => `issuing-${slot}.pem`,
  key: (slot: Slot) => `issuing-${slot}.key`,
  state: "issuing.json",
} as const;

/** The issuing authority of a folder, under its root. @param folder of this user alone */
export async function openIssuing(folder: string, root: Authority, now: () => number): Promise<Issuing> {
  const issuing = new Issuing(folder, root, now);
  await issuing.current();
  return issuing;
}

/** Which slot is in use, and its certificate as PEM; undefined if there is none. */
export async function readIssuing(
  folder: string,
): Promise<{ readonly slot: Slot; readonly cert: string } | undefined> {
  const slot = await activeSlot(folder);
  const cert = slot && (await readPrivate(join(folder, issuingFiles.cert(slot))));
  return slot && cert !== undefined ? { slot, cert } : undefined;
}

/**
 * Signs by the authority in use. Of its last sixth another one is made in the other slot, and used from then on: whoever trusts the
 * root notices nothing, since every worker shows the authority that has signed for it.
 */
export class Issuing implements WorkerAuthority {
  readonly pin: string;
  readonly root: string;
  readonly #folder: string;
  readonly #root: Authority;
  readonly #now: () => number;
  #slot: Slot | undefined;
  #active: Authority | undefined;
  #opening: Promise<Authority> | undefined;

  constructor(folder: string, root: Authority, now: () => number) {
    this.#folder = folder;
    this.#root = root;
    this.#now = now;
    this.root = `${root.cert.trim()}\n`;
    this.pin = pinOf(root.cert);
  }

  get bundle(): string {
    return this.root;
  }

  get chain(): string {
    return `${(this.#active as Authority).cert.trim()}\n`;
  }

  check(csr: string): Promise<CheckedCsr> {
    return checkCsr(csr);
  }

  get ends(): WorkerAuthority["ends"] {
    const endOf = (pem: string) => instant(Date.parse(new X509Certificate(pem).validTo));
    return [
      { which: "root", endsAt: endOf(this.root) },
      { which: "issuing", endsAt: endOf(this.chain) },
    ];
  }

  async issue(csr: CheckedCsr, worker: WorkerName, life: Millis): Promise<IssuedCertificate> {
    const authority = await this.current();
    const signed = await signWorker(authority, csr, worker, { now: this.#now(), life });
    return {
      ...signed,
      chain: `${authority.cert.trim()}\n`,
      bundle: this.root,
      root: this.pin,
      under: undefined,
    };
  }

  /** The authority that signs now. */
  async current(): Promise<Authority> {
    if (this.#active && !this.#isOld(this.#active)) return this.#active;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Authority> {
    const slot = this.#slot ?? (await activeSlot(this.#folder));
    const there = slot && (await this.#read(slot));
    const isUsable =
      there && new X509Certificate(there.cert).verify(new X509Certificate(this.root).publicKey);
    if (isUsable && !this.#isOld(there)) return this.#use(slot, there);
    const next = slot === "a" ? "b" : "a";
    const made = await makeIssuing(this.#root, this.#now());
    const at = (name: string) => join(this.#folder, name);
    await writePrivate(at(issuingFiles.key(next)), await exportKey(made.key));
    await writePrivate(at(issuingFiles.cert(next)), made.cert);
    // Only now it counts: a crash before leaves the one that was in use.
    await writePrivate(at(issuingFiles.state), `${JSON.stringify({ active: next })}\n`);
    return this.#use(next, made);
  }

  #use(slot: Slot, authority: Authority): Authority {
    this.#slot = slot;
    this.#active = authority;
    return authority;
  }

  #isOld({ cert }: Authority): boolean {
    return Date.parse(new X509Certificate(cert).validTo) - this.#now() <= limits.issuingLife / 6;
  }

  async #read(slot: Slot): Promise<Authority | undefined> {
    const cert = await readPrivate(join(this.#folder, issuingFiles.cert(slot)));
    const key = await readPrivate(join(this.#folder, issuingFiles.key(slot)));
    return cert === undefined || key === undefined ? undefined : { cert, key: await importKey(key) };
  }
}

/** A certificate of a worker, for the key of its request. @param life from now on; it does not outlast who signs */
export async function signWorker(
  authority: Authority,
  { spki }: CheckedCsr,
  worker: WorkerName,
  { now, life }: { readonly now: number; readonly life: Millis },
): Promise<Pick<IssuedCertificate, "cert" | "serial" | "notAfter">> {
  const issuer = new Peculiar(authority.cert);
  const publicKey = new PublicKey(spki as Uint8Array<ArrayBuffer>);
  const { notBefore, notAfter } = lifetime(now, life, issuer.notAfter);
  const serialNumber = makeSerial();
  const cert = await X509CertificateGenerator.create({
    serialNumber,
    subject: [{ CN: [worker.name.slice(0, 64)] }],
    issuer: issuer.subject,
    notBefore,
    notAfter,
    publicKey,
    signingKey: authority.key,
    signingAlgorithm: ECDSA,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      // SPIFFE asks for both. What a server is, is said by its own identity, which no worker has.
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      new SubjectAlternativeNameExtension([{ type: "url", value: workerUri(worker) }]),
    ],
  });
  const pem = `${cert.toString("pem").trim()}\n`;
  return { cert: pem, serial: serialNumber, notAfter: instant(notAfter.getTime()) };
}

async function activeSlot(folder: string): Promise<Slot | undefined> {
  const text = await readPrivate(join(folder, issuingFiles.state));
  return slots.find((slot) => text?.trim() === JSON.stringify({ active: slot }));
}

async function makeIssuing(root: Authority, now: number): Promise<Authority> {
  const issuer = new Peculiar(root.cert);
  const keys = await makeKeys();
  const serialNumber = makeSerial();
  const cert = await X509CertificateGenerator.create({
    serialNumber,
    subject: `CN=TaskRun issuing authority ${serialNumber.slice(-8)}`,
    issuer: issuer.subject,
    ...lifetime(now, limits.issuingLife, issuer.notAfter),
    publicKey: keys.publicKey,
    signingKey: root.key,
    signingAlgorithm: ECDSA,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: `${cert.toString("pem").trim()}\n`, key: keys.privateKey };
}
