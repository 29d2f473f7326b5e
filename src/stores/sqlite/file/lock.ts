import { statSync } from "node:fs";
import { createServer } from "node:net";
import { Fault } from "#domain/fault";
import { openDriver } from "../driver.js";
import { isBusy, isDamage, STORE_DAMAGED } from "../failure.js";
import type { FileOptions } from "./file.js";
import { beside } from "./files.js";

/** The reason of a Fault: another server has the file. */
export const STORE_LOCKED = "STORE_LOCKED";

function locked(path: string): Fault {
  const message = `another server has ${path} open; end that one, or choose another data directory`;
  return new Fault("unavailable", message, { reason: STORE_LOCKED });
}

/**
 * Locks the file for this process, by a lock that SQLite takes on an empty file beside it, and that the system releases
 * whenever the process ends. The locks of the file itself must stay free for our reader. Returns a function that
 * releases the lock.
 *
 * @throws {Fault} `unavailable`, reason `STORE_LOCKED`, if another server has it.
 */
export function lockFile({ path, driver }: Pick<FileOptions, "path" | "driver">): () => void {
  // Only `exec`: a prepared statement would keep the connection, and with it the lock, beyond its close.
  const lock = openDriver(beside.lock(path), driver);
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (isDamage(error)) {
      const message = `${beside.lock(path)} is not what a server has made: delete it, and start again`;
      throw new Fault("wrong_state", message, { reason: STORE_DAMAGED });
    }
    if (!isBusy(error)) throw error;
    throw locked(path);
  }

  return () => {
    lock.exec("ROLLBACK");
    lock.close();
  };
}

/** The file is locked for this process, unless a server has it: then `online` is true, and nothing is locked. */
export interface Lock {
  readonly online: boolean;
  release(): Promise<void>;
}

/** Locks the file as a server does, unless a server has it. Only to be read then. */
export async function lockUnlessServed(path: string, driver: FileOptions["driver"]): Promise<Lock> {
  const served = { online: true, release: async () => {} };
  const releaseInode = await unlessLocked(() => lockInode(path));
  if (!releaseInode) return served;
  try {
    const releaseFile = await unlessLocked(async () => lockFile({ path, driver }));
    if (!releaseFile) {
      await releaseInode();
      return served;
    }
    const release = async () => {
      releaseFile();
      await releaseInode();
    };
    return { online: false, release };
  } catch (error) {
    await releaseInode();
    throw error;
  }
}

async function unlessLocked<T>(lock: () => Promise<T>): Promise<T | undefined> {
  try {
    return await lock();
  } catch (error) {
    if (error instanceof Fault && error.reason === STORE_LOCKED) return undefined;
    throw error;
  }
}

/**
 * Locks the file by its identity, independent of its name and of the lock file: on Linux, by an abstract socket whose
 * name has the device and inode, and which the system releases when the process ends. A copy is another file. On other
 * systems, or if such sockets are forbidden, there is only the lock of {@link lockFile}.
 *
 * @throws {Fault} `unavailable`, reason `STORE_LOCKED`, if another server has it.
 */
export async function lockInode(path: string): Promise<() => Promise<void>> {
  if (process.platform !== "linux") return async () => {};
  const { dev, ino } = statSync(path, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  server.unref();
  const refusal = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen(`\0taskrun-store-${dev}-${ino}`, () => resolve(undefined));
  });
  if (refusal?.code === "EADDRINUSE") throw locked(path);
  return () => new Promise((resolve) => (refusal ? resolve() : server.close(() => resolve())));
}
