import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store-reads";
import { inspect } from "../damage/inspect.js";
import { type Driver, type DriverName, opened, openReadOnly, preferredDriver } from "../driver.js";
import { errorOf, failureOf } from "../failure.js";
import { type FileOptions, requirePresent, setForReading } from "../file/file.js";
import { requireStore } from "../file/files.js";
import { lockUnlessServed } from "../file/lock.js";
import { PageSums } from "../file/page-sums.js";
import { Layouts, layoutRows } from "../rows/layouts.js";
import type { ReaderCalls } from "../thread/client.js";
import { Reader } from "./reader.js";
import { sqliteReads } from "./reads.js";

/** A file that is only read. */
export interface ReadOnlyStore {
  readonly reads: Reads;
  /** True if a server is using it: then each read sees what has been committed by then. */
  readonly online: boolean;
  close(): Promise<void>;
}

/**
 * Opens a store to read only, whether or not a server is using it. A server that is not running cannot start meanwhile.
 *
 * @throws {Fault} `not_found` if there is no store, reason `STORE_DAMAGED` or `STORE_BEHIND` if it is not sound, `STORE_TOO_OLD` and
 *   `STORE_TOO_NEW` if it is of another release
 */
export async function openToRead(
  given: string,
  driver: DriverName = preferredDriver(),
): Promise<ReadOnlyStore> {
  const path = requireStore(given);
  const { online, release } = await lockUnlessServed(path, driver);
  try {
    // A server has looked at its pages itself.
    if (!online) inspect({ path, driver }, new PageSums(path));
    let layouts = new Layouts();
    const reader = new Reader({ path, driver, maxBytes: 0, reserveBytes: 0 }, (options) => {
      const db = openForReading(options);
      layouts = opened(db, () => new Layouts(layoutRows(db)));
      return db;
    });
    const close = async () => {
      reader.close();
      await release();
    };
    return { reads: sqliteReads(onThisThread(reader, path), layouts), online, close };
  } catch (error) {
    await release();
    throw error instanceof Fault ? error : errorOf(failureOf(error, path));
  }
}

function openForReading({ path, driver }: FileOptions): Driver {
  const db = openReadOnly(path, driver);
  return opened(db, () => {
    setForReading(db);
    db.exec(`PRAGMA busy_timeout = ${limits.databaseBusy}`);
    requirePresent(db, path, db.schema);
    return db;
  });
}

/** Calls of a reader in this thread, as a client of another thread makes them. */
function onThisThread(reader: Reader, path: string): ReaderCalls {
  const call = async (name: string, request: unknown): Promise<unknown> => {
    try {
      return Reflect.apply(Reflect.get(reader, name), reader, [request]);
    } catch (error) {
      throw errorOf(failureOf(error, path));
    }
  };
  const decoded = async (name: string, request: unknown, decode: (answer: never) => unknown) =>
    decode((await call(name, request)) as never);
  return { call, decoded } as ReaderCalls;
}
