import type { AuditEntry } from "#domain/audit/record";
import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";

/** The entry at the end of a page, whatever its order. */
export type AuditToken = Pick<AuditEntry, "at" | "chain" | "seq">;

export function toAuditToken({ at, chain, seq }: AuditToken): string {
  return Buffer.from([at, seq, chain].join("\n")).toString("base64url");
}

/** Undefined if the token is invalid. */
export function fromAuditToken(token: string): AuditToken | undefined {
  const text = Buffer.from(token, "base64url").toString();
  const [, at = "", seq = "", chain = ""] = /^(\d{1,16})\n(\d{1,16})\n([^\n]+)$/.exec(text) ?? [];
  if (chain === "" || chain.length > limits.idBytes) return undefined;
  const read = { at: instant(Number(at)) as Instant, chain, seq: Number(seq) };
  return toAuditToken(read) === token ? read : undefined;
}
