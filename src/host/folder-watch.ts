import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";

export interface FolderWatchParts {
  readonly root: string;
  readonly log: Log;
  /** Called at once for every change, with its path. */
  readonly changed: (path: string) => void;
  /** Called when changes have stopped for a moment. Calls do not overlap. */
  readonly quiet: () => Promise<void>;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Distinguishes a folder from one that has replaced it, even with the same inode number. */
  readonly identity: string;
}

/**
 * Watches folders and reports changes, debounced. The root's entry in its parent is watched too, so that a root that is
 * replaced stays watched. Uses no timer while nothing changes.
 */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #watched = new Map<string, Watched>();
  /** Folders that cannot be watched and were logged. */
  readonly #unwatched = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** Monotonic time of the oldest change not yet reported by `quiet`; 0 if there is none. */
  #since = 0;
  #work: Promise<void> = Promise.resolve();
  #working = false;
  #stopped = false;

  constructor(parts: FolderWatchParts) {
    this.#parts = parts;
  }

  /** Watches a folder, unless it is watched already. If it cannot be watched, logs a warning once. */
  async add(folder: string): Promise<void> {
    const identity = await identityOf(folder);
    const { root } = this.#parts;
    if (folder === root && this.#parent !== root) await this.#watchParent();
    this.#open(folder, identity, (name) => this.#heard(join(folder, name ?? "")));
  }

  /** Stops watching all folders but these. */
  keepOnly(folders: readonly string[]): void {
    const kept = new Set([...folders, this.#parent]);
    for (const folder of this.#watched.keys()) if (!kept.has(folder)) this.#drop(folder);
  }

  /** Runs `work`; changes during it are reported afterwards. */
  async during(work: () => Promise<void>): Promise<void> {
    this.#working = true;
    try {
      await work();
    } finally {
      this.#working = false;
    }
    if (this.#since > 0) this.#arm();
  }

  /** Calls `quiet` after so many milliseconds even without a change. */
  wakeIn(ms: number): void {
    if (this.#stopped || this.#timer) return;
    this.#timer = setTimeout(() => this.#ring(), ms);
  }

  /** Stops watching. Resolves when a running `quiet` has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const folder of [...this.#watched.keys()]) this.#drop(folder);
    await this.#work;
  }

  get #parent(): string {
    return dirname(this.#parts.root);
  }

  async #watchParent(): Promise<void> {
    const { root } = this.#parts;
    this.#open(this.#parent, await identityOf(this.#parent), (name) => {
      if (name === null || name === basename(root)) this.#heard(root);
    });
  }

  #open(folder: string, identity: string, heard: (name: string | null) => void): void {
    if (this.#stopped || this.#watched.get(folder)?.identity === identity) return;
    this.#drop(folder);
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => heard(name));
      watcher.on("error", () => this.#drop(folder)); // deleted; the parent reports it if it is created again
      this.#watched.set(folder, { watcher, identity });
    } catch (cause) {
      if (this.#unwatched.has(folder)) return;
      this.#unwatched.add(folder);
      const message = `templates: changes in ${folder} will not be noticed: ${(cause as Error).message}`;
      this.#parts.log.warn(message, { folder });
    }
  }

  #drop(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }

  #heard(path: string): void {
    if (this.#stopped) return;
    this.#parts.changed(path);
    this.#since ||= performance.now();
    if (!this.#working) this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const longest = this.#since + limits.folderQuietMost - performance.now();
    this.#timer = setTimeout(() => this.#ring(), Math.max(Math.min(limits.folderQuiet, longest), 0));
  }

  #ring(): void {
    this.#timer = undefined;
    this.#since = 0;
    this.#work = this.during(this.#parts.quiet);
  }
}

async function identityOf(folder: string): Promise<string> {
  const { dev, ino, birthtimeMs } = await stat(folder);
  return `${dev} ${ino} ${birthtimeMs}`;
}
