import { statSync } from "node:fs";
import { limits } from "#limits/index";
import { beside, sizeOf } from "./files.js";

/**
 * Looks whether the files that are open are still those that their names stand for, and whether nobody else has
 * written to the one that only checkpoints change.
 *
 * By a timer, on the store's thread: it takes five `stat` calls, some ten microseconds, and no read or write. What
 * the system can tell by itself would wake us with every commit, and says nothing of a folder that is renamed.
 */
export class FileWatch {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  #known = new Map<string, string>();
  /** Bytes of the log when it was looked at last: it only grows, but for what SQLite cuts off above its limit. */
  #logBytes = 0;

  /**
   * @param gone hears once what is not as it was
   * @param look is called as often; what it throws is not as it was either
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

  /** The files are as they should be; to be called after each checkpoint. */
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
    // Where nothing but this file keeps a second server out, see `holdInode`.
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
