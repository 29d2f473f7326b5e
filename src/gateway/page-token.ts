import type { TaskId } from "#domain/id";
import { limits } from "#domain/limits";

/** Where a page ended, in a form that invites nobody to make one up. */
export function toPageToken(last: TaskId): string {
  return Buffer.from(last).toString("base64url");
}

/** The Task before which the next page starts, or undefined if the token is not one of ours. */
export function fromPageToken(token: string): TaskId | undefined {
  const id = Buffer.from(token, "base64url").toString();
  const ours = /^[\w-]+$/.test(id) && id.length <= limits.idBytes && toPageToken(id as TaskId) === token;
  return ours ? (id as TaskId) : undefined;
}
