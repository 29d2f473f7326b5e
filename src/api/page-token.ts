import type { TaskId } from "#domain/id";
import type { TemplateRef } from "#domain/template/template";
import { isVersion } from "#domain/template/version";
import type { Instant } from "#domain/time/time";
import type { AgentKey } from "#domain/worker/agent";
import { limits } from "#limits/index";
import type { DeadLetterPlace } from "#ports/dead-letters";

/** An opaque token for the end of a page. */
export function toPageToken(last: TaskId): string {
  return encoded(last);
}

/** The Task before which the next page starts; undefined if the token is invalid. */
export function fromPageToken(token: string): TaskId | undefined {
  const id = decoded(token);
  const ours = /^[\w-]+$/.test(id) && id.length <= limits.idBytes && encoded(id) === token;
  return ours ? (id as TaskId) : undefined;
}

/** An opaque token for the end of a page of templates. Newlines separate its parts, since names have none. */
export function toTemplateToken({ namespace, name, version }: TemplateRef): string {
  return encoded([namespace, name, version].join("\n"));
}

/** The template after which the next page starts; undefined if the token is invalid. */
export function fromTemplateToken(token: string): TemplateRef | undefined {
  const text = decoded(token);
  const [namespace = "", name = "", version = "", ...more] = text.split("\n");
  const whole = namespace !== "" && name !== "" && isVersion(version) && more.length === 0;
  const ours = whole && text.length <= 3 * limits.idBytes && encoded(text) === token;
  return ours ? { namespace, name, version } : undefined;
}

/** An opaque token for the end of a page of agents. */
export function toAgentToken({ name, namespace }: AgentKey): string {
  return encoded([name, namespace].join("\n"));
}

/** The agent after which the next page starts; undefined if the token is invalid. */
export function fromAgentToken(token: string): AgentKey | undefined {
  const text = decoded(token);
  const [name = "", namespace, ...more] = text.split("\n");
  const whole = name !== "" && namespace !== undefined && more.length === 0;
  const ours = whole && text.length <= 2 * limits.idBytes + 1 && encoded(text) === token;
  return ours ? { name, namespace } : undefined;
}

/** A place in a list that is ordered by time: after so many entries of this instant. */
export interface TimePlace {
  readonly at: Instant;
  readonly count: number;
}

/** An opaque token for the end of a page of a list that is ordered by time, and only grows. */
export function toTimeToken({ at, count }: TimePlace): string {
  return encoded(`${at}.${count}`);
}

/** Undefined if the token is invalid. */
export function fromTimeToken(token: string): TimePlace | undefined {
  const [, at = "", count = ""] = /^(\d{1,16})\.(\d{1,9})$/.exec(decoded(token)) ?? [];
  const place = { at: Number(at) as Instant, count: Number(count) };
  return at !== "" && toTimeToken(place) === token ? place : undefined;
}

/** An opaque token for the end of a page of what is counted from 0: how many came before. */
export function toSeqToken(seq: number): string {
  return encoded(`seq ${seq}`);
}

/** Undefined if the token is invalid. */
export function fromSeqToken(token: string): number | undefined {
  const [, seq = ""] = /^seq (\d{1,9})$/.exec(decoded(token)) ?? [];
  return seq !== "" && toSeqToken(Number(seq)) === token ? Number(seq) : undefined;
}

/** An opaque token for the end of a page of dead letters. */
export function toDeadLetterToken({ createdAt, taskId }: DeadLetterPlace): string {
  return encoded([createdAt, taskId].join("\n"));
}

/** The dead letter after which the next page starts; undefined if the token is invalid. */
export function fromDeadLetterToken(token: string): DeadLetterPlace | undefined {
  const [, createdAt = "", taskId = ""] = /^(\d{1,16})\n([\w-]+)$/.exec(decoded(token)) ?? [];
  if (taskId === "" || taskId.length > limits.idBytes) return undefined;
  const place = { createdAt: Number(createdAt), taskId: taskId as TaskId };
  return toDeadLetterToken(place) === token ? place : undefined;
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function decoded(token: string): string {
  return Buffer.from(token, "base64url").toString();
}
