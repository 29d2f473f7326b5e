import { createHash } from "node:crypto";

/** The entity tag of a text. */
export function tagOf(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

/** True if the list of tags that the peer has kept, as `If-None-Match` sends it, names this one; weakly is enough. */
export function isKnown(kept: string | undefined, tag: string): boolean {
  return (
    kept?.split(",").some((each) => each.trim() === "*" || each.trim().replace(/^W\//, "") === tag) ?? false
  );
}
