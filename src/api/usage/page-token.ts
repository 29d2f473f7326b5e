import { type Instant, instant } from "#domain/time/time";
import { limits } from "#limits/index";

/** Where a group of sums stands among all. */
export interface UsagePlace {
  /** When its day begins. */
  readonly dayMs: Instant;
  readonly namespace: string;
  readonly agentName: string;
  readonly model: string;
}

/** An opaque token for the end of a page of sums. */
export function toUsageToken({ dayMs, namespace, agentName, model }: UsagePlace): string {
  return Buffer.from(JSON.stringify([dayMs, namespace, agentName, model])).toString("base64url");
}

/** Undefined if the token is invalid. */
export function fromUsageToken(token: string): UsagePlace | undefined {
  if (token.length > MOST) return undefined;
  const [dayMs, ...names] = parsed(Buffer.from(token, "base64url").toString());
  if (typeof dayMs !== "number" || names.length !== 3 || !names.every(isText)) return undefined;
  const [namespace = "", agentName = "", model = ""] = names;
  const place = { dayMs: instant(dayMs), namespace, agentName, model };
  return toUsageToken(place) === token ? place : undefined;
}

/** Three names, each of whose characters may be written as six, in four thirds of the bytes. */
const MOST = 8 * (3 * limits.idBytes + 3 * limits.journalNameBytes);

function parsed(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
