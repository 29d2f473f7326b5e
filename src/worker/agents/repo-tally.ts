import { limits } from "#limits/index";

/* The sums and tables of `repo_report`. */

const languages: Readonly<Record<string, string>> = {
  ts: "TypeScript",
  mts: "TypeScript",
  cts: "TypeScript",
  tsx: "TypeScript",
  js: "JavaScript",
  mjs: "JavaScript",
  cjs: "JavaScript",
  jsx: "JavaScript",
  py: "Python",
  rs: "Rust",
  go: "Go",
  java: "Java",
  kt: "Kotlin",
  rb: "Ruby",
  php: "PHP",
  c: "C",
  h: "C",
  cc: "C++",
  cpp: "C++",
  hpp: "C++",
  cs: "C#",
  swift: "Swift",
  scala: "Scala",
  sh: "Shell",
  bash: "Shell",
  sql: "SQL",
  proto: "Protocol Buffers",
  html: "HTML",
  css: "CSS",
  scss: "CSS",
  md: "Markdown",
  json: "JSON",
  yaml: "YAML",
  yml: "YAML",
  toml: "TOML",
  xml: "XML",
};

export interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  /** Undefined for a file that was not read: binary, or too large. */
  readonly lines: number | undefined;
  /** Number of comments that defer work. */
  readonly markers: number;
}

export interface LanguageTotals {
  readonly language: string;
  readonly files: number;
  readonly lines: number;
  readonly bytes: number;
}

export function languageOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return (dot > 0 && languages[name.slice(dot + 1).toLowerCase()]) || "Other";
}

/** By language, most lines first. */
export function byLanguage(files: readonly FileFacts[]): LanguageTotals[] {
  const totals = new Map<string, { files: number; lines: number; bytes: number }>();
  for (const { path, lines = 0, bytes } of files) {
    const language = languageOf(path);
    const total = totals.get(language) ?? { files: 0, lines: 0, bytes: 0 };
    totals.set(language, { files: total.files + 1, lines: total.lines + lines, bytes: total.bytes + bytes });
  }
  return [...totals]
    .map(([language, total]) => ({ language, ...total }))
    .sort((a, b) => b.lines - a.lines || b.bytes - a.bytes || (a.language < b.language ? -1 : 1));
}

/** Most lines first, then most bytes. */
export function largest(files: readonly FileFacts[]): FileFacts[] {
  return [...files]
    .sort((a, b) => (b.lines ?? 0) - (a.lines ?? 0) || b.bytes - a.bytes)
    .slice(0, limits.repoLargest);
}

export function sum(files: readonly FileFacts[], of: (file: FileFacts) => number): number {
  return files.reduce((total, file) => total + of(file), 0);
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}
