import { open, realpath } from "node:fs/promises";
import { basename, posix, relative, resolve, sep } from "node:path";
import { z } from "zod";
import { limits } from "#limits/index";
import { type Agent, agent } from "../agent/agent.js";
import { AgentError } from "../agent/error.js";
import { byLanguage, type FileFacts, type LanguageTotals, largest, sum, table } from "./repo-tally.js";
import { glob, walk } from "./walk.js";

/** Bounded, because each pattern is tried on every path. */
const globs = z.array(z.string().min(1).max(256)).max(64).default([]);
/** Comments that defer work. Spelt with brackets so that this line does not match. */
const markerPattern = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/g;

const request = z.strictObject({
  /** Relative to the folder that the Worker serves. */
  path: z.string().default("."),
  include: globs,
  exclude: globs,
  /** The report stops after this many files, and says so. */
  maxFiles: z.int().min(1).max(50_000).default(5_000),
});

/** The agent's result. */
export interface RepoTotals {
  readonly files: number;
  readonly lines: number;
  readonly bytes: number;
  readonly markers: number;
  /** True if there are more files than `maxFiles`. */
  readonly truncated: boolean;
  readonly languages: readonly LanguageTotals[];
  readonly largest: readonly { readonly path: string; readonly lines: number; readonly bytes: number }[];
}

/**
 * Makes the agent `repo_report`, which reports on the source files below `root` and never on files outside it, whatever
 * path a Task names. It outputs Markdown, folder by folder; its result is the totals.
 *
 * @example
 * ```ts
 * import { repoReportIn, serve } from "taskrun/worker";
 *
 * await serve({ agents: [repoReportIn("/srv/checkouts")] });
 * ```
 */
export function repoReportIn(root: string): Agent {
  return agent({
    name: "repo_report",
    description: "Walks a folder and reports its files, languages, lines and open ends as Markdown",
    backends: [
      { provider: "builtin", modelName: "repo_report", supportsStreaming: true, modalities: ["text"] },
    ],
    input: request,
    async *run(
      { path, include, exclude, maxFiles },
      { signal },
    ): AsyncGenerator<string, RepoTotals, undefined> {
      const base = await locate(root, path);
      const options = { include: include.map(glob), exclude: exclude.map(glob) };
      const files: FileFacts[] = [];
      let truncated = false;
      let folder: FileFacts[] = [];

      yield `# Report on ${basename(base)}\n\n## Folders\n\n${table(["folder", "files", "lines"], [])}`;
      for await (const file of walk(base, options)) {
        signal.throwIfAborted();
        truncated = files.length >= maxFiles;
        if (truncated) break;
        if (folder[0] && posix.dirname(folder[0].path) !== posix.dirname(file)) {
          yield folderRow(folder);
          folder = [];
        }
        const facts = await examine(base, file);
        files.push(facts);
        folder.push(facts);
      }
      if (folder.length > 0) yield folderRow(folder);

      const totals = totalsOf(files, truncated);
      yield languageSection(totals);
      yield largestSection(totals);
      yield closingSection(files, totals, maxFiles);
      return totals;
    },
  });
}

/**
 * The agent `repo_report` on the folder in which the process was started; see {@link repoReportIn}.
 *
 * @example
 * ```ts
 * import { repoReport, serve } from "taskrun/worker";
 *
 * await serve({ agents: [repoReport] });
 * ```
 */
export const repoReport: Agent = repoReportIn(".");

/** @throws {AgentError} if there is no such folder, or it is outside the root */
async function locate(root: string, path: string): Promise<string> {
  const top = await realpath(root);
  const found = await realpath(resolve(top, path)).catch((cause: Error) => {
    throw new AgentError(`path: cannot read "${path}": ${cause.message}`, { retryable: false, cause });
  });
  const way = relative(top, found);
  if (way === ".." || way.startsWith(`..${sep}`)) {
    throw new AgentError(`path: "${path}" is outside the folder this worker serves`, { retryable: false });
  }
  return found;
}

async function examine(base: string, path: string): Promise<FileFacts> {
  const file = await open(resolve(base, path)).catch(() => undefined);
  if (!file) return { path, bytes: 0, lines: undefined, markers: 0 }; // gone since, or not ours to read
  try {
    const { size: bytes } = await file.stat();
    if (bytes > limits.repoFileBytes) return { path, bytes, lines: undefined, markers: 0 };
    const data = await file.readFile();
    if (data.subarray(0, limits.repoSniffedBytes).includes(0))
      return { path, bytes, lines: undefined, markers: 0 };
    const text = data.toString("utf8");
    return { path, bytes, lines: linesIn(text), markers: text.match(markerPattern)?.length ?? 0 };
  } finally {
    await file.close();
  }
}

function linesIn(text: string): number {
  if (text === "") return 0;
  const ends = text.split("\n").length - 1;
  return text.endsWith("\n") ? ends : ends + 1;
}

function totalsOf(files: readonly FileFacts[], truncated: boolean): RepoTotals {
  return {
    files: files.length,
    lines: sum(files, ({ lines }) => lines ?? 0),
    bytes: sum(files, ({ bytes }) => bytes),
    markers: sum(files, ({ markers }) => markers),
    truncated,
    languages: byLanguage(files),
    largest: largest(files).map(({ path, lines = 0, bytes }) => ({ path, lines, bytes })),
  };
}

function folderRow(files: readonly FileFacts[]): string {
  const folder = posix.dirname(files[0]?.path ?? ".");
  return `| ${folder} | ${files.length} | ${sum(files, ({ lines }) => lines ?? 0)} |\n`;
}

function languageSection({ languages }: RepoTotals): string {
  const rows = languages.map(({ language, files, lines, bytes }) => [language, files, lines, bytes]);
  return `\n## Languages\n\n${table(["language", "files", "lines", "bytes"], rows)}`;
}

function largestSection(totals: RepoTotals): string {
  const rows = totals.largest.map(({ path, lines, bytes }) => [path, lines, bytes]);
  return `\n## Largest files\n\n${table(["file", "lines", "bytes"], rows)}`;
}

function closingSection(files: readonly FileFacts[], totals: RepoTotals, maxFiles: number): string {
  const open = files.filter(({ markers }) => markers > 0).map(({ path, markers }) => [path, markers]);
  const ends = open.length === 0 ? "None.\n" : table(["file", "open ends"], open.slice(0, 20));
  const cut = totals.truncated ? `\nThe walk ended after ${maxFiles} files; there are more.\n` : "";
  return `\n## Open ends\n\n${ends}\n## Totals\n\n${totals.files} files, ${totals.lines} lines, ${totals.bytes} bytes.\n${cut}`;
}
