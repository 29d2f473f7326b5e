import { readFileSync } from "node:fs";

export const guide = readFileSync(new URL("../../docs/templates.md", import.meta.url), "utf8");

/** Every block of YAML in the guide, with its line. */
export function fencedYaml(): [place: string, text: string][] {
  return [...guide.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(({ index, 1: text = "" }) => [
    `docs/templates.md:${guide.slice(0, index).split("\n").length}`,
    text,
  ]);
}

/** The rows of the table under a heading: those whose first cell is one name in backticks. */
export function rowsUnder(heading: string): string[] {
  const lines = guide.split("\n");
  const start = lines.findIndex((line) => line.replace(/^#+ /, "") === heading && line.startsWith("#"));
  const end = lines.findIndex((line, i) => i > start && line.startsWith("#"));
  if (start < 0) return [];
  return lines.slice(start, end < 0 ? undefined : end).filter((line) => /^\| `[^`]+` \|/.test(line));
}
