import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { AuditTrail } from "#ports/audit";

/*
 * A token reads `trw.CLAIMS.MAC`: what it allows, as JSON in base64url, and an HMAC-SHA-256 over it, by a secret that all servers of
 * a store share. So any of them can check it, and none keeps it.
 */

export interface WatchToken {
  readonly token: string;
  readonly expiresAt: Instant;
}

/** What a token says: its form, the Task and its namespace, for whom it was made and by which credential, and when it ends. */
type Claims = readonly [1, TaskId, string, string, string, Instant];

export interface WatchTokensParts {
  readonly secret: string;
  readonly now: () => Instant;
  /** @throws {Fault} if the credential that a token was made with counts no longer */
  readonly requireLive: (caller: Pick<Caller, "credential">) => void;
  /** Is told of each token that was refused; absent if there is no audit log. */
  readonly audit?: AuditTrail | undefined;
}

/** A new secret for all servers of a store. */
export function drawSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Tokens with which the events of one Task can be read for a while. */
export class WatchTokens {
  readonly #parts: WatchTokensParts;

  constructor(parts: WatchTokensParts) {
    this.#parts = parts;
  }

  make({ principal, credential = "" }: Caller, id: TaskId, namespace: string): WatchToken {
    const expiresAt = later(this.#parts.now(), limits.watchTokenLife);
    const claims: Claims = [1, id, namespace, principal, credential, expiresAt];
    const body = Buffer.from(JSON.stringify(claims)).toString("base64url");
    return { token: `trw.${body}.${this.#mac(body).toString("base64url")}`, expiresAt };
  }

  /**
   * The caller of a request for this Task. It may see the Task's namespace, and change nothing.
   *
   * @throws {Fault} `unauthenticated`, in the same words for every token that does not fit
   */
  callerOf(token: string, id: string): Caller {
    try {
      return this.#callerOf(token, id);
    } catch (error) {
      if (error instanceof Fault && error.code === "unauthenticated") this.#noteRefusal(error, id);
      throw error;
    }
  }

  #callerOf(token: string, id: string): Caller {
    const [, body = "", mac = ""] = /^trw\.([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
    const isOurs = timingSafeEqual(this.#mac(body), padded(Buffer.from(mac, "base64url")));
    if (token.length > limits.watchTokenChars || !isOurs) throw notValid();
    const [form, taskId, namespace, principal, credential, expiresAt] = JSON.parse(
      Buffer.from(body, "base64url").toString(),
    ) as Claims;
    if (form !== 1 || taskId !== id) throw notValid();
    if (this.#parts.now() >= expiresAt) throw expired();
    const caller: Caller = { principal, namespaces: [namespace], roles: ["viewer"], credential };
    this.#parts.requireLive(caller);
    return caller;
  }

  /** Who shows a token may be anybody. */
  #noteRefusal({ reason = "" }: Fault, id: string): void {
    const object = `watch token of task ${id}`;
    this.#parts.audit?.refused({ actor: "anonymous", action: "key.use", object, detail: reason });
  }

  #mac(body: string): Buffer {
    return createHmac("sha256", this.#parts.secret).update(`watch token\n${body}`).digest();
  }
}

/** As long as a MAC, so that it can be compared. */
function padded(mac: Buffer): Buffer {
  return Buffer.concat([mac, Buffer.alloc(32)], 32);
}

function notValid(): Fault {
  const message = "the access_token is not valid for this task: ask for one by CreateWatchToken.";
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_INVALID" });
}

function expired(): Fault {
  const seconds = limits.watchTokenLife / 1_000;
  const message = `the access_token has expired, ${seconds} s after it was made: ask for another one by CreateWatchToken.`;
  return new Fault("unauthenticated", message, { reason: "CREDENTIAL_EXPIRED" });
}
