import { clip } from "#domain/text/text";
import { limits } from "#limits/index";

/** The shape of a node, by Mermaid's names. */
export type Look = "rect" | "diamond" | "hex" | "procs" | "docs" | "subproc" | "delay" | "lean-r" | "stadium";

/** Writes a node with its lines of text, its shape and its style class. */
export function node(id: string, look: Look, lines: readonly string[], className = ""): string {
  const label = lines.map(escaped).join("<br/>");
  return `  ${id}@{ shape: ${look}, label: "${label}" }${className === "" ? "" : `\n  class ${id} ${className}`}`;
}

/**
 * Escapes a line of a label. Characters that could end the label or start markup or a directive are written as Mermaid's
 * entities, which begin with `#`.
 */
export function escaped(line: string): string {
  const short = clip(line, limits.diagramLabelBytes);
  const text = short === line ? line : `${short}…`;
  return text.replace(/\p{Cc}+/gu, " ").replace(/[#"'`<>&;\\{}%]/g, (sign) => `#${sign.charCodeAt(0)};`);
}

/** Writes a comment of one line. */
export function comment(text: string): string {
  return `  %% ${text.replace(/[\p{Cc}{}]+/gu, " ")}`;
}

/** Formats milliseconds: `350 ms`, `4.2 s`, `3 min 5 s` or `2 h 10 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  return pair(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function pair(large: number, unit: string, small: number, smaller: string): string {
  return small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;
}
