import { createKey } from "#api/access/create-key";
import { createWatchToken } from "#api/access/create-watch-token";
import type { MadeKey } from "#api/access/key-ring";
import { listKeys } from "#api/access/list-keys";
import type { ListedKey } from "#api/access/listed-key";
import { revokeKey } from "#api/access/revoke-key";
import { rotateKey } from "#api/access/rotate-key";
import type { WatchToken } from "#api/access/watch-tokens";
import {
  AccessService,
  type CreateKeyRequest,
  type CreateWatchTokenResponse,
  type Key,
  type ListKeysResponse,
} from "#wire/gen/taskrun/v1/access_service_pb";
import { asIs, unary } from "../rpc.js";

/** The AccessService: who hands out API keys makes, lists, replaces and revokes them. */
export const accessService = [
  unary(AccessService.method.createKey, createKey, createInput, madeToWire),
  unary(
    AccessService.method.listKeys,
    listKeys,
    () => ({}),
    (rows): ListKeysResponse => {
      return { $typeName: "taskrun.v1.ListKeysResponse", keys: rows.map(keyToWire) };
    },
  ),
  unary(
    AccessService.method.rotateKey,
    rotateKey,
    ({ id, overlapMs }) => ({ id, overlap: overlapMs }),
    madeToWire,
  ),
  unary(AccessService.method.revokeKey, revokeKey, asIs, keyToWire),
  unary(AccessService.method.createWatchToken, createWatchToken, asIs, tokenToWire),
];

function createInput({ name, role, namespaces, ttlMs: ttl }: CreateKeyRequest) {
  return { name, role, namespaces, ttl };
}

function tokenToWire({ token, expiresAt }: WatchToken): CreateWatchTokenResponse {
  return { $typeName: "taskrun.v1.CreateWatchTokenResponse", token, expiresAtMs: BigInt(expiresAt) };
}

function madeToWire({ row, text }: MadeKey) {
  return {
    $typeName: "taskrun.v1.KeyWithText" as const,
    key: keyToWire({ ...row, isRoleKnown: true }),
    text,
  };
}

function keyToWire(row: ListedKey): Key {
  const { id, name, role, namespaces, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt } = row;
  return {
    $typeName: "taskrun.v1.Key",
    id,
    name,
    role,
    namespaces: namespaces === "*" ? ["*"] : [...namespaces],
    createdAtMs: BigInt(createdAt),
    createdBy,
    expiresAtMs: BigInt(expiresAt),
    revokedAtMs: BigInt(revokedAt),
    lastUsedAtMs: BigInt(lastUsedAt),
    roleUnknown: !row.isRoleKnown,
  };
}
