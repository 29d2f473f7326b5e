import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { limits } from "#domain/limits";
import type { Log } from "#ports/telemetry";

export interface FolderWatchParts {
  readonly root: string;
  readonly log: Log;
  /** Something has happened at this path. */
  readonly changed: (path: string) => void;
  /** Something has changed and then been left alone. Never called twice at a time. */
  readonly afterChanges: () => Promise<void>;
}

interface Watched {
  readonly watcher: FSWatcher;
  /** Tells a folder from another one that has taken its place, perhaps with its number. */
  readonly identity: string;
}

/**
 * Says when something in some folders has changed and then been left alone for a moment. Each folder is watched by
 * itself, and so is the name of the root in its own parent, so that a root which is replaced goes on being watched.
 * Nothing runs while nothing changes.
 */
export class FolderWatch {
  readonly #parts: FolderWatchParts;
  readonly #watched = new Map<string, Watched>();
  /** Folders that cannot be watched, which has been said. */
  readonly #unwatched = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  /** When the oldest change not yet looked at was heard of, by the monotonic clock; 0 if there is none. */
  #since = 0;
  #work: Promise<void> = Promise.resolve();
  #working = false;
  #stopped = false;

  constructor(parts: FolderWatchParts) {
    this.#parts = parts;
  }

  /** Watches a folder, if it is not watched already. One that cannot be watched is logged, and is as it is now. */
  async add(folder: string): Promise<void> {
    const identity = await identityOf(folder);
    const { root } = this.#parts;
    if (folder === root && this.#parent !== root) await this.#watchParent();
    this.#open(folder, identity, (name) => this.#heard(join(folder, name ?? "")));
  }

  /** Lets go of all folders but these. */
  keepOnly(folders: readonly string[]): void {
    const kept = new Set([...folders, this.#parent]);
    for (const folder of this.#watched.keys()) if (!kept.has(folder)) this.#drop(folder);
  }

  /** Does what changes must wait for. */
  async during(work: () => Promise<void>): Promise<void> {
    this.#working = true;
    try {
      await work();
    } finally {
      this.#working = false;
    }
    if (this.#since > 0) this.#arm();
  }

  /** Settles after so long, whether anything has changed or not. */
  wakeIn(ms: number): void {
    if (this.#stopped || this.#timer) return;
    this.#timer = setTimeout(() => this.#ring(), ms);
  }

  /** Resolves when what was being done is done. */
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
      watcher.on("error", () => this.#drop(folder)); // it is gone; the folder above tells when it is back
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
    this.#work = this.during(this.#parts.afterChanges);
  }
}

async function identityOf(folder: string): Promise<string> {
  const { dev, ino, birthtimeMs } = await stat(folder);
  return `${dev} ${ino} ${birthtimeMs}`;
}
