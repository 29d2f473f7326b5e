import type { Caller, ClientCredential } from "#domain/caller";
import type { ClientCertificates } from "./client-certificates.js";
import type { KeyRing } from "./key-ring.js";
import type { TokenCallers } from "./token-callers.js";

/** Three parts with dots between: no API key has dots. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Everything that a server takes as a credential. */
export class Credentials {
  readonly #keys: Pick<KeyRing, "callerOf">;
  readonly #tokens: Pick<TokenCallers, "callerOf"> | undefined;
  readonly #certificates: ClientCertificates | undefined;

  /**
   * @param tokens absent if none are taken: then they are as unknown keys
   * @param certificates absent if no client is known by one
   */
  constructor(
    keys: Pick<KeyRing, "callerOf">,
    tokens: Pick<TokenCallers, "callerOf"> | undefined,
    certificates?: ClientCertificates,
  ) {
    this.#keys = keys;
    this.#tokens = tokens;
    this.#certificates = certificates;
  }

  /**
   * A promise only for a token, whose signature is verified beside the main thread.
   *
   * @throws {Fault} `unauthenticated`, `denied` or `unavailable`, at once or by the promise
   */
  callerOf(text: string): Caller | Promise<Caller> {
    return this.#tokens && TOKEN.test(text) ? this.#tokens.callerOf(text) : this.#keys.callerOf(text);
  }
  /** The caller of a client's certificate; undefined where no client is known by one. @throws {Fault} `unauthenticated` */
  certified(certificate: ClientCredential): Caller | undefined {
    return this.#certificates?.callerOf(certificate);
  }
}
