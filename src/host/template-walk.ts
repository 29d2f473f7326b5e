import type { Dirent } from "node:fs";
import { constants, open, opendir, realpath, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { limits } from "#limits/index";

/** Extensions of template files; other files are ignored. */
const extensions: ReadonlySet<string> = new Set([".yaml", ".yml", ".json"]);

/** The template files and folders below a root. */
export interface Walk {
  /** Sorted by name. */
  readonly files: readonly FoundFile[];
  readonly folders: readonly string[];
  /** What was skipped and why, for people. */
  readonly leftOut: readonly string[];
}

export interface FoundFile {
  /** Path from the root. */
  readonly name: string;
  /** Absolute path, with links resolved. */
  readonly path: string;
}

/**
 * Finds the template files below `root`. Names that begin with a dot are skipped; links to folders and links that lead
 * outside are not followed.
 *
 * @param enter called for each folder before it is read, in order to watch it without missing a change
 * @throws {Error} of the system, if the root itself cannot be read
 */
export async function walk(root: string, enter: (folder: string) => Promise<void>): Promise<Walk> {
  const realRoot = await realpath(root);
  const files: FoundFile[] = [];
  const folders: string[] = [];
  const leftOut: string[] = [];
  const pending = [{ folder: root, depth: 0 }];
  let entries = 0;

  const take = async (folder: string, depth: number, entry: Dirent): Promise<void> => {
    const path = join(folder, entry.name);
    const name = relative(root, path);
    if (entry.isDirectory()) {
      if (depth < limits.folderDepth) pending.push({ folder: path, depth: depth + 1 });
      else leftOut.push(`${name} lies more than ${limits.folderDepth} folders deep`);
    } else if (entry.isSymbolicLink()) {
      const target = await targetOf(path, realRoot);
      if (target !== undefined && extensions.has(extname(name))) files.push({ name, path: target });
      else if (target === undefined) leftOut.push(`${name} is a link that leads out, or to no file`);
    } else if (entry.isFile() && extensions.has(extname(name))) files.push({ name, path });
  };

  for (let next = pending.shift(); next; next = pending.shift()) {
    if (folders.length === limits.folders) {
      leftOut.push(`there are more than ${limits.folders} folders`);
      break;
    }
    const { folder, depth } = next;
    try {
      await enter(folder);
      for await (const entry of await opendir(folder)) {
        entries += 1;
        if (entries <= limits.folderEntries && !entry.name.startsWith(".")) await take(folder, depth, entry);
      }
      folders.push(folder);
    } catch (error) {
      if (folder === root) throw error;
      leftOut.push(`${relative(root, folder)} cannot be read: ${(error as Error).message}`);
    }
  }

  if (entries > limits.folderEntries)
    leftOut.push(`there are more than ${limits.folderEntries} files and folders`);
  if (files.length > limits.folderFiles)
    leftOut.push(`there are more than ${limits.folderFiles} files of templates`);
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { files: files.slice(0, limits.folderFiles), folders, leftOut };
}

/** Returns the file that a link leads to, if it is below the root. */
async function targetOf(link: string, realRoot: string): Promise<string | undefined> {
  try {
    const target = await realpath(link);
    return target.startsWith(realRoot + sep) && (await stat(target)).isFile() ? target : undefined;
  } catch {
    return undefined; // it leads nowhere
  }
}

/** The answer of {@link readChanged}. */
export interface ReadFile {
  /** Differs whenever the file has changed; empty if it changed while it was read. */
  readonly stamp: string;
  /** Absent if the stamp is the known one, or empty. */
  readonly text?: string;
}

/**
 * Reads a file unless its stamp is the known one.
 *
 * @throws {Error} of the system, if it cannot be read
 */
export async function readChanged({ path }: FoundFile, known: string): Promise<ReadFile> {
  // The file may have been replaced by a link or a pipe, which must be neither followed nor waited for.
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { ino, size, mtimeMs } = await handle.stat();
    const stamp = `${ino} ${size} ${mtimeMs}`;
    if (stamp === known) return { stamp };
    // One byte over the limit is enough for the reader to report it.
    const length = Math.min(size, limits.templateBytes) + 1;
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position: 0 });
    if (bytesRead !== Math.min(size, length)) return { stamp: "" };
    return { stamp, text: buffer.toString("utf8", 0, bytesRead) };
  } finally {
    await handle.close();
  }
}
