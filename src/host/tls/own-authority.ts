/** The authority of a plane's own, and the one that is to take its place. Loaded only where one is wanted. */

import { X509Certificate } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type AuthorityRow,
  servingRoot,
  signingRoot,
  type TrustedRoot,
  trustedRoots,
} from "#domain/access/authority";
import type { WorkerName } from "#domain/access/spiffe";
import { Fault } from "#domain/fault";
import { instant, type Millis } from "#domain/time/time";
import { writePrivate } from "#files/private";
import type { CheckedCsr, IssuedCertificate, RotatingAuthority } from "#ports/authority";
import { openAuthority, readAuthority } from "./authority.js";
import { checkCsr } from "./csr.js";
import { type Issuing, issuingFiles, openIssuing, slots } from "./issuing.js";
import { privateFolder, readPrivate } from "./private-files.js";
import { type Authority, pinOf } from "./x509.js";

/** Of a folder `tls`: where the root is that is to come, and all roots that are trusted while there are two. */
export const rotationFiles = { next: "next", bundle: "bundle.pem" } as const;

export interface OwnAuthorityOptions {
  /** Of this user alone. */
  readonly folder: string;
  readonly now: () => number;
  /** Where the rotation stands; undefined if there never was one. */
  readonly row: AuthorityRow | undefined;
  /** True if other servers share the store: then the row counts, and otherwise the files. */
  readonly isShared: boolean;
}

/**
 * Opens the authority in a folder; makes it if there is none, and there never was a rotation.
 *
 * @throws {Fault} `wrong_state` if the other servers have an authority that is not in the folder
 */
export async function openOwnAuthority(options: OwnAuthorityOptions): Promise<OwnAuthority> {
  const { folder, row, isShared } = options;
  if (row) await settle(folder, row);
  const cert = await readPrivate(join(folder, "ca.pem"));
  const isOther = row !== undefined && (cert === undefined || pinOf(cert) !== row.root.pin);
  if (isOther && isShared) throw notTheirs(folder, row);
  const own = new OwnAuthority(folder, options.now);
  await own.follow(isOther ? undefined : row);
  return own;
}

/**
 * Signs for workers and servers by the root that a rotation says. Without the key for it, it trusts what it must, goes on showing the
 * certificate that it has, and signs nothing.
 */
export class OwnAuthority implements RotatingAuthority {
  problem = "";
  /** Awaited after each change of what is trusted or served. */
  changed: () => Promise<void> = async () => {};
  readonly #folder: string;
  readonly #now: () => number;
  #row: AuthorityRow | undefined;
  #own: TrustedRoot | undefined;
  #serving: Authority | undefined;
  #issuing: Issuing | undefined;

  constructor(folder: string, now: () => number) {
    this.#folder = folder;
    this.#now = now;
  }

  get own(): TrustedRoot {
    return this.#own as TrustedRoot;
  }

  get pin(): string {
    return pinOf(this.serving.cert);
  }

  /** The roots that are trusted. */
  get bundle(): string {
    return this.#row ? bundleOf(this.#row) : this.own.cert;
  }

  get ends(): RotatingAuthority["ends"] {
    const { next } = this.#row ?? {};
    const issuing = this.#issuing && rootOf(this.#issuing.chain);
    return [
      { which: "root", endsAt: this.own.endsAt },
      ...(next ? [{ which: "next", endsAt: next.endsAt } as const] : []),
      ...(issuing ? [{ which: "issuing", endsAt: issuing.endsAt } as const] : []),
    ];
  }

  /** What signs for servers. */
  get serving(): Authority {
    return this.#serving as Authority;
  }

  check(csr: string): Promise<CheckedCsr> {
    return checkCsr(csr);
  }

  async issue(csr: CheckedCsr, worker: WorkerName, life: Millis): Promise<IssuedCertificate> {
    const issuing = this.#issuing;
    const under = this.#row;
    const { bundle } = this;
    if (!issuing) throw cannotSign(this.problem);
    return { ...(await issuing.issue(csr, worker, life)), bundle, under };
  }

  async prepare(): Promise<TrustedRoot> {
    const next = join(this.#folder, rotationFiles.next);
    await privateFolder(next);
    return rootOf((await openAuthority(next, this.#now())).cert);
  }

  async follow(row: AuthorityRow | undefined): Promise<void> {
    if (row) await settle(this.#folder, row);
    const next = join(this.#folder, rotationFiles.next);
    if (!row) await rm(next, { recursive: true, force: true });
    const own = row ? await readAuthority(this.#folder) : await openAuthority(this.#folder, this.#now());
    const found = [
      { folder: this.#folder, authority: own },
      { folder: next, authority: row?.next === undefined ? undefined : await readAuthority(next) },
    ];
    const by = ({ pin }: TrustedRoot) =>
      found.find(({ authority }) => authority && pinOf(authority.cert) === pin);
    const signing = row ? by(signingRoot(row)) : found[0];
    const serving = row ? by(servingRoot(row)) : found[0];
    const issuing = signing?.authority && (await openIssuing(signing.folder, signing.authority, this.#now));
    await this.#keepBundle(row);
    this.problem = row ? missingOf(row, (root) => by(root) !== undefined, this.#folder) : "";
    this.#row = row;
    this.#own = own ? rootOf(own.cert) : this.#own;
    this.#issuing = issuing;
    this.#serving = serving?.authority ?? this.#serving ?? own;
    await this.changed();
  }

  /** For commands on this machine, which trust what is in the folder. */
  async #keepBundle(row: AuthorityRow | undefined): Promise<void> {
    const path = join(this.#folder, rotationFiles.bundle);
    if (row?.next === undefined) await rm(path, { force: true });
    else await writePrivate(path, bundleOf(row));
  }
}

/**
 * Brings the files to where the row is: the root that has come takes the place of the one before, whose keys are gone then. Whenever
 * the process ends, the next start goes on with it.
 */
async function settle(folder: string, row: AuthorityRow): Promise<void> {
  const at = (name: string) => join(folder, name);
  const next = at(rotationFiles.next);
  const cert = await readPrivate(at("ca.pem"));
  const isOld = cert === undefined || pinOf(cert) !== row.root.pin;
  const [key, came] = isOld
    ? [await readPrivate(join(next, "ca.key")), await readPrivate(join(next, "ca.pem"))]
    : [];
  if (key !== undefined && came !== undefined && pinOf(came) === row.root.pin) {
    for (const name of oldFiles) await rm(at(name), { force: true });
    await writePrivate(at("ca.key"), key);
    await writePrivate(at("ca.pem"), came);
    await rm(next, { recursive: true, force: true });
  }
  if (!isOld && row.phase === "standby") await rm(next, { recursive: true, force: true });
}

const oldFiles = [
  issuingFiles.state,
  ...slots.flatMap((slot) => [issuingFiles.key(slot), issuingFiles.cert(slot)]),
];

function missingOf(row: AuthorityRow, has: (root: TrustedRoot) => boolean, folder: string): string {
  const files = (name: string) => `ca.pem and ca.key of ${join(folder, name)}`;
  if (!has(row.root)) return `the key of ${row.root.pin} is missing: copy ${files("")} from another server`;
  if (row.next === undefined || has(row.next)) return "";
  return `the key of ${row.next.pin} is missing: copy ${files(rotationFiles.next)} from the server that has made them`;
}

function rootOf(pem: string): TrustedRoot {
  const cert = `${pem.trim()}\n`;
  return { pin: pinOf(cert), cert, endsAt: instant(Date.parse(new X509Certificate(cert).validTo)) };
}

function bundleOf(row: AuthorityRow): string {
  return trustedRoots(row)
    .map(({ cert }) => cert)
    .join("");
}

function cannotSign(problem: string): Fault {
  const message = `this server cannot sign for workers: ${problem}. Ask another one.`;
  return new Fault("unavailable", message, { reason: "AUTHORITY_KEY_MISSING" });
}

function notTheirs(folder: string, row: AuthorityRow): Fault {
  const message = `the servers of this store have the authority ${row.root.pin}, which is not in ${folder}: copy ca.pem and ca.key from the folder tls of one of them`;
  return new Fault("wrong_state", message, { reason: "AUTHORITY_OTHER" });
}
