/** An issuing authority of somebody else's, whose root is elsewhere. Loaded only where one is named. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { WorkerName } from "#domain/access/spiffe";
import { Fault } from "#domain/fault";
import { instant, type Millis } from "#domain/time/time";
import type { CheckedCsr, IssuedCertificate, WorkerAuthority } from "#ports/authority";
import { checkCsr } from "./csr.js";
import { signWorker } from "./issuing.js";
import { readPrivate, readShort } from "./private-files.js";
import { type Authority, importKey, pinOf } from "./x509.js";

/** The files of an issuing authority, and the clock by which it must not have ended. */
export interface IssuerFiles {
  /** Its certificate, then those that lead to its root, and the root, as PEM. */
  readonly cert: string;
  /** Its key, of P-256, as PEM, for this user alone. */
  readonly key: string;
  readonly now: () => number;
}

/** @throws {Fault} `invalid` or `denied`, with the file that cannot be used */
export async function openIssuerFiles(files: IssuerFiles): Promise<IssuerAuthority> {
  const authority = new IssuerAuthority(files);
  await authority.look();
  return authority;
}

/** Signs for servers and workers by files that are replaced from time to time, under one root. */
export class IssuerAuthority implements WorkerAuthority {
  readonly #files: IssuerFiles;
  #issuer: Authority | undefined;
  /** Those between the issuing one and its root. */
  #between = "";
  #root = "";
  #texts = "";

  constructor(files: IssuerFiles) {
    this.#files = files;
  }

  get pin(): string {
    return pinOf(this.#root);
  }

  get bundle(): string {
    return this.#root;
  }

  get ends(): WorkerAuthority["ends"] {
    const endOf = (pem: string) => instant(Date.parse(new X509Certificate(pem).validTo));
    return [
      { which: "root", endsAt: endOf(this.#root) },
      { which: "issuing", endsAt: endOf(this.serving.cert) },
    ];
  }

  /** What signs for servers, with those above it. */
  get serving(): Authority {
    return this.#issuer as Authority;
  }

  check(csr: string): Promise<CheckedCsr> {
    return checkCsr(csr);
  }

  async issue(csr: CheckedCsr, worker: WorkerName, life: Millis): Promise<IssuedCertificate> {
    const { serving, bundle, pin: root } = this;
    const chain = `${serving.cert}${this.#between}`;
    const signed = await signWorker(serving, csr, worker, { now: this.#files.now(), life });
    return { ...signed, chain, bundle, root, under: undefined };
  }

  /**
   * Reads the files again, if they have changed.
   *
   * @throws {Fault} if they cannot be used, or are of another root than before; then what was read before is used on
   */
  async look(): Promise<void> {
    const cert = await textOf("issuer-cert", this.#files.cert, readShort);
    const key = await textOf("issuer-key", this.#files.key, readPrivate);
    if (this.#texts === cert + key) return;
    const [issuer = "", ...above] =
      cert.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
    const pems = [issuer, ...above].map((pem) => `${pem}\n`);
    const root = checkChain(pems.map(certificateOf), this.#files.now());
    const read = checkKey(keyOf(key), certificateOf(issuer));
    if (this.#root !== "" && pinOf(root) !== this.pin) {
      throw invalid(
        "issuer-cert",
        `is of the root ${pinOf(root)}, and workers trust ${this.pin}: start the server anew with it, and invite them again`,
      );
    }
    const signing = await importKey(String(read.export({ type: "pkcs8", format: "pem" })));
    this.#issuer = { cert: pems[0] ?? "", key: signing, above: pems.slice(1).join("") };
    this.#between = pems.slice(1, -1).join("");
    this.#root = root;
    this.#texts = cert + key;
  }
}

/** @returns the root, which is the last one */
function checkChain(chain: readonly X509Certificate[], now: number): string {
  for (const [i, certificate] of chain.entries()) {
    const above = chain[i + 1] ?? certificate;
    const name = certificate.subject.replaceAll("\n", ", ");
    if (!certificate.ca) throw invalid("issuer-cert", `has ${name} in it, which is no authority`);
    if (Date.parse(certificate.validTo) <= now)
      throw invalid("issuer-cert", `has ${name} in it, which has ended`);
    if (certificate.checkIssued(above) && certificate.verify(above.publicKey)) continue;
    const why =
      above === certificate
        ? "is no root: let the file end with the root"
        : "is not signed by the one after it";
    throw invalid("issuer-cert", `has ${name} in it, which ${why}`);
  }
  return String(chain.at(-1)).trim().concat("\n");
}

function checkKey(key: KeyObject, issuer: X509Certificate): KeyObject {
  if (key.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw invalid("issuer-key", "is no key of P-256");
  if (!issuer.checkPrivateKey(key))
    throw invalid("issuer-key", "does not belong to the first certificate of issuer-cert");
  return key;
}

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid("issuer-cert", "has no certificates in it: send PEM");
  }
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw invalid("issuer-key", "has no key in it that can be read: send PEM that is not encrypted");
  }
}

async function textOf(
  setting: string,
  path: string,
  read: (path: string) => Promise<string | undefined>,
): Promise<string> {
  const text = await read(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof Fault) throw cause;
    if (cause.code !== "ENOENT") throw invalid(setting, `cannot be read from ${path}: ${cause.message}`);
    return undefined;
  });
  if (text === undefined) throw invalid(setting, `cannot be read from ${path}: there is no such file`);
  return text;
}

/** @param why goes on from the setting's name */
function invalid(setting: string, why: string): Fault {
  return new Fault("invalid", `${setting} ${why}.`, { reason: "TLS_UNREADABLE" });
}
