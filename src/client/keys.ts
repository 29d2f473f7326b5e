import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  AccessService,
  CreateKeyRequestSchema,
  CreateWatchTokenRequestSchema,
  type KeyWithText,
  RevokeKeyRequestSchema,
  RotateKeyRequestSchema,
  type Key as WireKey,
} from "#wire/gen/taskrun/v1/access_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf } from "./request.js";

/**
 * An API key, without what would let one use it. Times are Unix milliseconds.
 *
 * @example
 * ```ts
 * import { createClient, type Key } from "taskrun/client";
 *
 * const keys: readonly Key[] = await createClient().keys.list();
 * const unused = keys.filter(({ lastUsedAt }) => lastUsedAt === 0);
 * ```
 */
export interface Key {
  readonly id: string;
  /** What it is for. */
  readonly name: string;
  /** `viewer`, `operator`, `admin`, `worker`, or a role of the server's configuration. */
  readonly role: string;
  /** `*` alone is all. */
  readonly namespaces: readonly string[];
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number;
  /** 0 if it was not revoked. */
  readonly revokedAt: number;
  /** To the minute; 0 if it was never used. */
  readonly lastUsedAt: number;
  /** True if the server does not have the key's role (any more): the key is refused. */
  readonly roleUnknown: boolean;
}

/**
 * A new API key, with its text.
 *
 * @example
 * ```ts
 * import { createClient, type NewKey } from "taskrun/client";
 *
 * const made: NewKey = await createClient().keys.create({ name: "ci", role: "operator" });
 * console.log(made.text); // shown once
 * ```
 */
export interface NewKey {
  readonly key: Key;
  /** What is sent with requests; the server does not keep it. */
  readonly text: string;
}

/**
 * What a new API key is to be.
 *
 * @example
 * ```ts
 * import { createClient, type KeyTerms } from "taskrun/client";
 *
 * const terms: KeyTerms = { name: "gpu fleet", role: "worker", namespaces: ["research"], ttlMs: 30 * 86_400_000 };
 * await createClient().keys.create(terms);
 * ```
 */
export interface KeyTerms {
  /** What it is for. */
  readonly name: string;
  /** `viewer`, `operator`, `admin`, `worker`, or a role of the server's configuration. */
  readonly role: string;
  /** Default: all that the caller may use. */
  readonly namespaces?: readonly string[];
  /** Default 90 days. */
  readonly ttlMs?: number;
}

const termNames = namesOf<KeyTerms>({ name: true, role: true, namespaces: true, ttlMs: true });

/**
 * A token with which a web page begins to read the events of one Task.
 *
 * @example
 * ```ts
 * import { createClient, type WatchToken } from "taskrun/client";
 *
 * const { token }: WatchToken = await createClient().keys.watchToken("TASK_ID");
 * const url = `https://plane.example:8080/v1/tasks/TASK_ID/events?access_token=${token}`;
 * ```
 */
export interface WatchToken {
  readonly token: string;
  /** From when on it is refused; what was opened with it goes on. */
  readonly expiresAt: number;
}

/**
 * Makes, lists, replaces and revokes API keys. Reached as `client.keys`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { keys } = createClient();
 * const { key, text } = await keys.create({ name: "ci", role: "operator" });
 * console.log(`${key.id}: ${text}`);
 * ```
 */
export class Keys {
  readonly #wire: Client<typeof AccessService>;
  readonly #caller: Caller;

  constructor(transport: Transport, caller: Caller) {
    this.#wire = createClient(AccessService, transport);
    this.#caller = caller;
  }

  /** Makes a key. `PERMISSION_DENIED` if it could do more than the caller. */
  async create(terms: KeyTerms, control?: CallControl): Promise<NewKey> {
    const { name = "", role = "", namespaces = [], ttlMs = 0 } = optionsOf(terms, "terms", termNames);
    const request = requestOf(CreateKeyRequestSchema, {
      name,
      role,
      namespaces: [...namespaces],
      ttlMs: BigInt(Math.round(ttlMs)),
    });
    return toNewKey(await this.#caller.once((o) => this.#wire.createKey(request, o), control));
  }

  /** Returns the keys whose namespaces the caller may use, the newest first. */
  async list(control?: CallControl): Promise<readonly Key[]> {
    const { keys } = await this.#caller.once((o) => this.#wire.listKeys({}, o), control);
    return keys.map(toKey);
  }

  /**
   * Makes a key in the place of another one.
   *
   * @param options how long the old one can still be used; default 1 day
   */
  async rotate(
    id: string,
    options: { readonly overlapMs?: number } = {},
    control?: CallControl,
  ): Promise<NewKey> {
    const { overlapMs = 0 } = optionsOf(options, "options", ["overlapMs"]);
    const request = requestOf(RotateKeyRequestSchema, { id, overlapMs: BigInt(Math.round(overlapMs)) });
    return toNewKey(await this.#caller.once((o) => this.#wire.rotateKey(request, o), control));
  }

  /** Ends a key at once. Idempotent. */
  async revoke(id: string, control?: CallControl): Promise<Key> {
    const request = requestOf(RevokeKeyRequestSchema, { id });
    return toKey(await this.#caller.once((o) => this.#wire.revokeKey(request, o), control));
  }

  /** Makes a token for the events of one Task, valid for a minute: for a page's EventSource, which can send no key. */
  async watchToken(taskId: string, control?: CallControl): Promise<WatchToken> {
    const request = requestOf(CreateWatchTokenRequestSchema, { id: taskId });
    const answer = await this.#caller.once((o) => this.#wire.createWatchToken(request, o), control);
    return { token: answer.token, expiresAt: Number(answer.expiresAtMs) };
  }
}

function toNewKey({ key, text }: KeyWithText): NewKey {
  if (!key) throw new Error("the server has answered without a key");
  return { key: toKey(key), text };
}

function toKey(key: WireKey): Key {
  const { id, name, role, namespaces, createdBy, roleUnknown } = key;
  return {
    ...{ id, name, role, namespaces, createdBy, roleUnknown },
    createdAt: Number(key.createdAtMs),
    expiresAt: Number(key.expiresAtMs),
    revokedAt: Number(key.revokedAtMs),
    lastUsedAt: Number(key.lastUsedAtMs),
  };
}
