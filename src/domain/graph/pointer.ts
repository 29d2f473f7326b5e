/**
 * JSON Pointers (RFC 6901): `/a/0` names what is under `a`, first in its list; the empty pointer names the whole. In a
 * name `~1` stands for `/`, and `~0` for `~`.
 */

/** The names and indexes of a pointer, from the outside in; undefined if the text is none. */
export function readPointer(text: string): readonly string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function pointerOf(parts: readonly string[]): string {
  return parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
