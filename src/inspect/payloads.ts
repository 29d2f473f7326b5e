import { clip } from "#domain/text/text";
import { limits } from "#limits/index";

/**
 * A copy of a value with its texts cut to {@link limits.inspectTextBytes}, and to {@link limits.inspectEventBytes}
 * together; what is nested deeper or longer than a viewer shows is left out. Contains plain JSON only.
 */
export function clipped(value: unknown): unknown {
  return new Clipper().clip(value, 0);
}

class Clipper {
  #left: number = limits.inspectEventBytes;

  clip(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#text(value);
    if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
    if (typeof value !== "object" || depth >= limits.inspectDepth) return undefined;
    const items = value instanceof Map ? Object.fromEntries(value) : value;
    if (Array.isArray(items)) {
      return items.slice(0, limits.inspectNames).map((item) => this.clip(item, depth + 1));
    }
    const copy: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(items).slice(0, limits.inspectNames)) {
      if (this.#left <= 0) break;
      copy[this.#text(name)] = this.clip(item, depth + 1);
    }
    return copy;
  }

  #text(text: string): string {
    const cut = clip(text, Math.max(0, Math.min(limits.inspectTextBytes, this.#left)));
    this.#left -= cut.length;
    return cut.length === text.length ? text : `${cut}…`;
  }
}
