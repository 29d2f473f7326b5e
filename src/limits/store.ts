import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # The store
 *
 * What is kept in memory, read at once and left on the disk.
 */
export const store = {
  /** Rows of lately changed Tasks kept in memory, roughly: some ten thousand small Tasks. */
  taskCacheBytes: 64 * MIB,
  /** Entries up to which a log that nobody has read is kept in memory: all of a small Task's. Of a longer one only the last commit's are. */
  unreadLogEntries: 64,
  /** Templates kept in memory, roughly: a few of the largest, or as many ordinary ones as `templatesInMemory`. */
  templateCacheBytes: 16 * MIB,
  /** Tasks whose end of the log is kept in memory; of any other one the log is asked. */
  logEnds: 10_000,
  /** Packed rows of a log that one read looks at to find how many fit; small rows beyond them wait for the next read. */
  logRows: 1_024,
  /** Rows that are read at once when all are read: of the longest inputs some ten megabytes. */
  scannedRows: 64,
  /** Memory of one connection to the database for its pages: enough that the upper levels of every index stay. */
  databaseCacheBytes: 32 * MIB,
  /** How long a connection waits for a lock of another one of ours, which holds it for a moment only. */
  databaseBusy: millis(2_000),
  /** The write-ahead log is written back after about this many pages, SQLite's own default: a start has little to read again. */
  checkpointPages: 1_000,
  /** A write-ahead log of more pages waits for a moment without a read, in which it begins anew: it cannot grow for ever. */
  logPages: 16_000,
  /** How long it waits for that moment; then it grows on, and is tried again: a long read, such as a backup, must not hold up commits. */
  logRestartWait: millis(50),
  /** How often a page is read again that differs from its checksum while a server may be writing it. */
  pageReadAgain: 3,
  /** Random bytes in the name of a life of a store: no two restorations ever draw the same. */
  incarnationBytes: 8,
  /** A backup is copied and hashed in parts of so many bytes. */
  backupPartBytes: MIB,
  /** How far the write-ahead log may have grown once, before its file is cut back after the next reset. */
  logKeptBytes: 32 * MIB,
  /** Left free of the disk space that a store may take: several turns' worth, so that what is running can end and be told. */
  reserveBytes: 16 * MIB,
  /** Pages of a file that are read and checked at once: a megabyte. */
  pagesAtOnce: 256,
  /** Pages that are checked before a server is ready, half a gigabyte; the rest while it serves. */
  pagesAtStart: 131_072,
  /** Damaged places that are named or counted; one is enough to look at everything. SQLite itself stops after so many. */
  damageNamed: 100,
  /** At most this long after a commit its mark is on the disk, too. A kill loses none of it, only a power cut does. */
  markSync: millis(1_000),
  /** How often the files are looked for: twice within the second in which a server has to notice that they are gone. */
  filesEvery: millis(500),
  /** Latest commits whose answers the shared memory of a test keeps, in case one is sent again: far more than are under way. */
  sharedMemoryCommits: 10_000,
  /** How often it is counted, at most, what a store holds: a figure for planning, not for an alarm. */
  storageEvery: millis(5 * 60_000),
  /** Tasks that are counted at once: their rows are looked up in about a millisecond, so that no read waits long behind it. */
  storagePiece: 50,
  /** Such pieces of one round, of 50 000 Tasks together: less than a second of a thread every five minutes; the next round goes on. */
  storagePieces: 1_000,
  /** Namespaces with series of their own, the largest: four series each. */
  storageNamespaces: 20,
  /** Namespaces that are counted apart, to find the largest; of more, those that come first. */
  storageNamespacesKept: 10_000,
  /** Tasks that an export lists at once: little memory, and few round trips. */
  exportPage: 100,
  /** Bytes of a log that it reads at once, likewise. */
  exportLogBytes: 256 * 1_024,
  /** It writes about so much at once. */
  exportWriteBytes: MIB,
  /** The longest line of an export that is read: far above an input of the largest message, with all that has to be escaped. */
  exportLineBytes: 64 * MIB,
  /** An import commits when about so many bytes are together: of a large Task this is all that is in memory. */
  importBatchBytes: 4 * MIB,
  /** What a row counts for there, roughly. */
  importRowBytes: 1_024,
  /** Finished Tasks are kept at least this long, so that an idempotency key holds for a day. */
  retentionMin: millis(24 * 3_600_000),
  /** How often Tasks that are too old are removed: seldom enough that an idle server sleeps, often enough that they never pile up. */
  retentionEvery: millis(10 * 60_000),
  /** Finished Tasks one retention commit removes: a few milliseconds of the writer's time. */
  retentionBatch: 200,
  /**
   * Old Tasks that one commit finds it has to keep, because another one may need them, after which the next goes on behind them: a
   * few milliseconds.
   */
  retentionKept: 1_000,
  /** Such commits in a row; the next time goes on. */
  retentionBatches: 500,
  /** After a start, what only the time without a server has made old is kept for so long: time to notice a wrong clock. */
  retentionPause: millis(6 * 3_600_000),
} as const;
