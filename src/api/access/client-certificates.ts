import { clientUri } from "#domain/access/spiffe";
import type { Caller, ClientCredential } from "#domain/caller";
import { Fault } from "#domain/fault";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";

/** What a client may do that is known by its certificate. */
export interface ClientTerms {
  readonly role: string;
  readonly namespaces: readonly string[] | "*";
}

/** By the names in certificates; `*` is each that is not named. */
export type TermsByClient = ReadonlyMap<string, ClientTerms>;

/** Finds the callers of certificates: what one says is a name, and the server's configuration what that may do. */
export class ClientCertificates {
  readonly #terms: TermsByClient;
  readonly #now: () => Instant;

  constructor(terms: TermsByClient, now: () => Instant) {
    this.#terms = terms;
    this.#now = now;
  }

  /**
   * The caller of a certificate that TLS has verified. What it opens outlasts it by `limits.certificateGrace`.
   *
   * @throws {Fault} `unauthenticated` if it has ended since its connection was made, or if nobody has said what its name may do
   */
  callerOf({ client, notAfter }: ClientCredential): Caller {
    if (this.#now() >= notAfter) throw ended(client);
    const terms = this.#terms.get(client) ?? this.#terms.get("*");
    if (!terms) throw unknown(client);
    const { role, namespaces } = terms;
    const expiresAt = later(notAfter, limits.certificateGrace);
    return { principal: clientUri(client), roles: [role], namespaces, expiresAt };
  }
}

function ended(client: string): Fault {
  const message = `the certificate of client "${client}" has ended: connect again with a new one.`;
  return new Fault("unauthenticated", message, { reason: "CERTIFICATE_EXPIRED" });
}

function unknown(client: string): Fault {
  const message = `the certificate is of client "${client}", for which client-certificates of this server has no entry.`;
  return new Fault("unauthenticated", message, { reason: "CERTIFICATE_UNKNOWN" });
}
