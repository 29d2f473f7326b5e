import { statSync } from "node:fs";
import { limits } from "#limits/index";
import { beside, sizeOf } from "./files.js";

/**
 * Checks periodically that the open files still exist under their names, and that no other program has written to the
 * main file, which only checkpoints change.
 *
 * Runs by a timer on the store's thread: five `stat` calls, about ten microseconds, and no read or write. File system
 * events are not used: they would come with every commit, and not when a folder is renamed.
 */
export class FileWatch {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  #known = new Map<string, string>();
  /** Bytes of the log at the last check: it only grows, except when SQLite truncates it to its limit. */
  #logBytes = 0;

  /**
   * @param gone called once with what has changed
   * @param look called at every check; an error that it throws counts as a change
   */
  constructor(path: string, gone: (error: unknown) => void, look: () => void) {
    this.#path = path;
    this.note();
    this.#timer = setInterval(() => {
      try {
        const what = this.#difference();
        if (what !== undefined) throw new Error(what);
        look();
      } catch (error) {
        this.end();
        gone(error);
      }
    }, limits.filesEvery).unref();
  }

  /** Records the present state of the files as correct. Call after each checkpoint. */
  note(): void {
    this.#known = this.#state();
    this.#logBytes = sizeOf(beside.wal(this.#path)) ?? 0;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  #difference(): string | undefined {
    const now = this.#state();
    for (const [path, known] of this.#known) {
      const found = now.get(path);
      if (found === known) continue;
      if (found === GONE) return `${path} has been deleted or moved away under this server`;
      const isSame = idOf(found) === idOf(known);
      return `${path} has been ${isSame ? "written by another program" : "replaced"} under this server`;
    }
    const log = beside.wal(this.#path);
    const bytes = sizeOf(log) ?? 0;
    if (bytes < Math.min(this.#logBytes, limits.logKeptBytes))
      return `${log} has been cut short under this server`;
    this.#logBytes = bytes;
    return undefined;
  }

  #state(): Map<string, string> {
    const watched = [beside.wal, beside.head, beside.sums].map((file) => file(this.#path));
    // Matters where the lock file alone excludes a second server, see `holdInode`.
    if (process.platform !== "linux") watched.push(beside.lock(this.#path));
    return new Map([
      [this.#path, stateOf(this.#path, true)],
      ...watched.map((path) => [path, stateOf(path, false)] as const),
    ]);
  }
}

const GONE = "gone";

function stateOf(path: string, withContent: boolean): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (!found) return GONE;
  const content = withContent ? ` ${found.size} ${found.mtimeNs}` : "";
  return `${found.dev}:${found.ino}${content}`;
}

function idOf(state = GONE): string {
  return state.split(" ")[0] ?? state;
}
