import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { limits } from "#limits/index";
import type { ClientCertificate } from "./connection.js";

/** What a program proves who it is with, beside or instead of an API key. */
export interface CertificateOptions {
  /** The certificate, followed by those that lead to its authority, as PEM or the path of a file. */
  readonly cert?: string | undefined;
  /** Its key, likewise. */
  readonly certKey?: string | undefined;
}

/** An option of {@link CertificateOptions} is wrong. */
export class CertificateProblem extends Error {
  readonly field: "cert" | "certKey";

  constructor(field: "cert" | "certKey", message: string, cause?: unknown) {
    super(`${field} ${message}`, cause === undefined ? {} : { cause });
    this.field = field;
  }
}

/**
 * Reads the options; undefined if they name none. What is a path is looked at again every `limits.certificateEvery`, when it is asked for, so
 * that a certificate that is renewed is shown by the next connection; files that do not fit together are passed over.
 *
 * @throws {CertificateProblem}
 */
export function readCertificate({
  cert,
  certKey,
}: CertificateOptions): (() => ClientCertificate) | undefined {
  if (cert === undefined && certKey === undefined) return undefined;
  if (certKey === undefined)
    throw new CertificateProblem("certKey", "is missing: a certificate is shown with its key.");
  if (cert === undefined)
    throw new CertificateProblem("cert", "is missing: a key is shown with its certificate.");
  const source = new CertificateSource(checkedText("cert", cert), checkedText("certKey", certKey));
  return () => source.current();
}

class CertificateSource {
  readonly #cert: string;
  readonly #key: string;
  #current: ClientCertificate;
  #marks: string;
  #lookedAt = performance.now();

  constructor(cert: string, key: string) {
    this.#cert = cert;
    this.#key = key;
    this.#marks = `${markOf(cert)} ${markOf(key)}`;
    this.#current = pair(cert, key);
  }

  current(): ClientCertificate {
    const now = performance.now();
    if (now - this.#lookedAt < limits.certificateEvery) return this.#current;
    this.#lookedAt = now;
    const marks = `${markOf(this.#cert)} ${markOf(this.#key)}`;
    if (marks === this.#marks) return this.#current;
    try {
      this.#current = pair(this.#cert, this.#key);
      this.#marks = marks;
    } catch {
      // Of two files that are replaced one after the other, the first is wrong for a moment.
    }
    return this.#current;
  }
}

/** What changes when a file does; nothing of a text. */
function markOf(text: string): string {
  if (isPem(text)) return "";
  try {
    const { mtimeMs, ino, size } = statSync(text);
    return `${mtimeMs}-${ino}-${size}`;
  } catch {
    return "gone";
  }
}

function checkedText(field: "cert" | "certKey", value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new CertificateProblem(
    field,
    `is ${value === "" ? "empty" : typeof value}: send PEM, or the path of its file.`,
  );
}

function isPem(text: string): boolean {
  return text.includes("-----BEGIN");
}

function pair(certGiven: string, keyGiven: string): ClientCertificate {
  const [cert, key] = [pemOf("cert", certGiven), pemOf("certKey", keyGiven)];
  const read = <Result>(field: "cert" | "certKey", what: string, reading: () => Result): Result => {
    try {
      return reading();
    } catch (cause) {
      throw new CertificateProblem(field, `has no ${what} in it: send PEM, or the path of its file.`, cause);
    }
  };
  const certificate = read("cert", "certificate", () => new X509Certificate(cert));
  const privateKey = read("certKey", "private key without a passphrase", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new CertificateProblem("certKey", "is not that of the certificate.");
  return { cert, key };
}

/** The text of a key is never shown. */
function pemOf(field: "cert" | "certKey", given: string): string {
  if (isPem(given)) return given;
  try {
    return readFileSync(given, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : message;
    throw new CertificateProblem(
      field,
      `${JSON.stringify(given.slice(0, 200))} cannot be read: ${why}.`,
      cause,
    );
  }
}
