import { KIB, MIB } from "./units.js";

/**
 * # Durable steps and usage
 *
 * What agents may journal, and what is kept for them while they wait.
 */
export const journal = {
  /** Entries of one Step's journal: each is a durable step that every later Run of the Step reads first. */
  journalEntries: 10_000,
  /** Records of one journal: an entry has two at most, and one more for each time that it is done again. */
  journalRecords: 40_000,
  /** What one journal may have in bytes of names, results and inputs of children. */
  journalBytes: 64 * MIB,
  /** What one record weighs at least: about what storing it costs. */
  journalRecordBytes: 256,
  /** Entries of one journal that have begun and are not over, and entries that one suspension waits for. */
  journalOpen: 256,
  /** The name of a durable step, of a signal that is waited for, or of a model. */
  journalNameBytes: 256,
  /** A digest of an input: SHA-256 in hexadecimal. */
  journalDigestBytes: 64,
  /** The default of a signal that is waited for. */
  signalDefaultBytes: 64 * KIB,
  /** Results in one page of a journal, in bytes; a single record may have more. */
  journalPageBytes: MIB,
  /** Records in one page of a journal that a worker reads. */
  journalPageRecords: 1_000,
  /** Records in one page of a journal that a client reads and that names no number itself. */
  journalShown: 200,
  /** Signals of one Task that were sent before anybody has waited for them. */
  keptSignals: 100,
  /** Requests to signal a Task that are remembered by their id, so that one that is sent again counts once. */
  signalRequests: 100,
  /** Reports of usage of one Run: an agent that reports each call of a model makes so many calls at most. */
  usageReports: 100_000,
  /** What one report counts at most of tokens, calls, or millionths of a dollar: a million dollars. Sums stay exact in any number of them. */
  usageCount: 1_000_000_000_000,
} as const;
