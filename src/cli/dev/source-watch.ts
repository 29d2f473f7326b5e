import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { limits } from "#limits/index";

/** Notices when files change, also those that are replaced or do not exist yet: it watches their folders. */
export class SourceWatch {
  readonly #folders = new Map<string, FSWatcher>();
  readonly #files = new Set<string>();
  /** What else concerns in a folder, by the name of the file. */
  readonly #sources = new Map<string, (name: string) => boolean>();
  readonly #changed: (path: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param changed called with the last file that has changed, once nothing has changed for a moment */
  constructor(changed: (path: string) => void) {
    this.#changed = changed;
  }

  /** Watches a file; those of packages are left out. */
  add(path: string): void {
    if (path.includes(`${sep}node_modules${sep}`) || this.#files.size >= limits.devFiles) return;
    this.#files.add(path);
    this.#open(dirname(path));
  }

  /** Watches for any file of a folder that `isSource`. */
  addFolder(folder: string, isSource: (name: string) => boolean): void {
    this.#sources.set(folder, isSource);
    this.#open(folder);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #open(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      const watcher = watch(folder, (_, name) => {
        const path = join(folder, name ?? "");
        if (name === null || this.#concerns(folder, path)) this.#heard(path);
      });
      watcher.on("error", () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, watcher);
    } catch {
      // The folder does not exist: nothing in it can change.
    }
  }

  #concerns(folder: string, path: string): boolean {
    return this.#files.has(path) || this.#sources.get(folder)?.(basename(path)) === true;
  }

  #heard(path: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changed(path), limits.devQuiet);
  }
}
