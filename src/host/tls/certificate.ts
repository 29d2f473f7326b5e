import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import type { TlsIdentity, TlsSource } from "#ports/tls";

/** Reads the identity as it is now; the same text if nothing has changed. */
export type ReadIdentity = () => Promise<TlsIdentity>;

/** The TLS of a running server. */
export interface OpenTls extends TlsSource {
  /** Reads the identity again; called by itself every `limits.certificateEvery`. Never rejects. */
  look(): Promise<void>;
  /** Looks no more at what the identity is made from. */
  close(): void;
}

/**
 * An identity that is read again every `limits.certificateEvery`. One that cannot be used is logged once, and the one before
 * goes on being used.
 *
 * @throws {Fault} `invalid` if it cannot be used at the start
 */
export async function openIdentity(read: ReadIdentity, telemetry: Telemetry): Promise<OpenTls> {
  const opened = new Identity(await usable(read), read, telemetry);
  opened.start();
  return opened;
}

class Identity implements OpenTls {
  identity: TlsIdentity;
  readonly #read: ReadIdentity;
  readonly #telemetry: Telemetry;
  readonly #changed: ((identity: TlsIdentity) => void)[] = [];
  #endsAt = 0;
  #complaint = "";
  #looking: NodeJS.Timeout | undefined;
  /** The look that is under way, or the last one. */
  #look: Promise<void> = Promise.resolve();

  constructor(identity: TlsIdentity, read: ReadIdentity, telemetry: Telemetry) {
    this.identity = identity;
    this.#read = read;
    this.#telemetry = telemetry;
    this.#note();
    telemetry.gauge("taskrun_certificate_seconds", () => Math.round((this.#endsAt - Date.now()) / 1_000));
  }

  start(): void {
    this.#looking = setInterval(() => void this.look(), limits.certificateEvery).unref();
  }

  onChange(changed: (identity: TlsIdentity) => void): void {
    this.#changed.push(changed);
  }

  close(): void {
    clearInterval(this.#looking);
  }

  look(): Promise<void> {
    // One after the other: what has changed during a look is seen by the next one.
    this.#look = this.#look.then(() => this.#lookOnce());
    return this.#look;
  }

  async #lookOnce(): Promise<void> {
    const { log } = this.#telemetry;
    try {
      const identity = await usable(this.#read);
      const { cert, key, clientCa, callerCa } = identity;
      const before = this.identity;
      const isSame = cert === before.cert && key === before.key;
      this.#complaint = "";
      if (isSame && clientCa === before.clientCa && callerCa === before.callerCa) return;
      this.identity = identity;
      for (const changed of this.#changed) changed(this.identity);
      if (callerCa !== before.callerCa)
        log.info("who vouches for clients is replaced: new connections go by it");
      if (isSame) return;
      log.info("the server's certificate is replaced: new connections get the new one");
      this.#note();
    } catch (error) {
      // Of two files that are replaced one after the other, the first is wrong for a moment.
      const { message } = error as Error;
      if (message !== this.#complaint) log.error(`${message} The certificate before is used on.`);
      this.#complaint = message;
    }
  }

  #note(): void {
    const { validTo } = new X509Certificate(this.identity.cert);
    this.#endsAt = Date.parse(validTo);
    if (this.#endsAt - Date.now() > limits.certificateWarned) return;
    this.#telemetry.log.warn(`the server's certificate ends on ${validTo}: replace its files`, { validTo });
  }
}

/** The identity that is read, if TLS can use it. @throws {Fault} `invalid` */
async function usable(read: ReadIdentity): Promise<TlsIdentity> {
  const identity = await read();
  try {
    createSecureContext(identity);
    new X509Certificate(identity.cert);
    return identity;
  } catch (cause) {
    const { message, code = "" } = cause as NodeJS.ErrnoException;
    const says = code.includes("KEY_VALUES_MISMATCH")
      ? "the key does not belong to the certificate"
      : `the certificate or its key is no PEM that can be used: ${message}`;
    throw new Fault("invalid", `TLS: ${says}.`, { reason: "TLS_UNREADABLE", cause });
  }
}
