import type { JWTVerifyGetKey } from "jose";
import { Fault } from "#domain/fault";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import { isUnknownKey, type KeySource, readKeySet } from "./key-set.js";

export interface RemoteKeysParts {
  readonly url: string;
  readonly now: () => Instant;
  readonly log: Log;
}

/**
 * The public keys that an issuer publishes under a URL. They are fetched when a token comes: again after
 * `limits.keySetRefresh`, beside requests; and when a token names a key that is not among them, but no more often than
 * `limits.keySetRefreshLeast`. While the issuer does not answer, what was fetched last counts for `limits.keySetKept`.
 */
export class RemoteKeys implements KeySource {
  readonly #parts: RemoteKeysParts;
  #keys: JWTVerifyGetKey | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #isFailing = false;

  constructor(parts: RemoteKeysParts) {
    this.#parts = parts;
  }

  readonly find: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#current();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!isUnknownKey(error)) throw error;
      await this.#refresh();
      if (this.#keys === keys || !this.#keys) throw error;
      return this.#keys(header, token);
    }
  };

  close(): void {}

  /** @throws {Fault} `unavailable` if there are none that still count */
  async #current(): Promise<JWTVerifyGetKey> {
    const age = this.#parts.now() - this.#fetchedAt;
    if (age >= limits.keySetKept) await this.#refresh();
    else if (age >= limits.keySetRefresh) void this.#refresh();
    if (this.#keys && this.#parts.now() - this.#fetchedAt < limits.keySetKept) return this.#keys;
    throw new Fault("unavailable", "the keys of the token's issuer cannot be had at the moment: try again.", {
      reason: "ISSUER_UNREACHABLE",
      retryAfter: limits.keySetRefreshLeast,
    });
  }

  /** Fetches the keys, unless that was tried lately. Whoever comes meanwhile waits for the same answer. Never rejects. */
  #refresh(): Promise<void> {
    const now = this.#parts.now();
    if (!this.#fetching && now - this.#triedAt < limits.keySetRefreshLeast) return Promise.resolve();
    this.#triedAt = this.#fetching ? this.#triedAt : now;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const { url, now, log } = this.#parts;
    try {
      this.#keys = readKeySet(await textOf(url));
      this.#fetchedAt = now();
      if (this.#isFailing) log.info("the public keys of tokens can be had again", { url });
      this.#isFailing = false;
    } catch (error) {
      const { message, cause } = error as Error;
      const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
      if (!this.#isFailing)
        log.warn("the public keys of tokens cannot be had", { url, why: why.slice(0, 512) });
      this.#isFailing = true;
    }
  }
}

/** What is under a URL, without following where it leads to. */
async function textOf(url: string): Promise<string> {
  const signal = AbortSignal.timeout(limits.keySetWait);
  const headers = { accept: "application/jwk-set+json, application/json" };
  const response = await fetch(url, { redirect: "error", signal, headers });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the answer has status ${response.status}`);
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limits.keySetBytes) throw new Error(`the answer has more than ${limits.keySetBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
