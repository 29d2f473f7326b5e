import { limits } from "#limits/index";
import { KIB } from "#limits/units";

/**
 * The most bytes read for a page of a journal: results until the bound is reached, and one record more, which may have a result, what
 * a child begins with, or the default of a signal, beside its names and message.
 */
export const JOURNAL_READ_BYTES =
  limits.journalPageBytes +
  Math.max(limits.resultBytes, limits.inputBytes) +
  limits.signalDefaultBytes +
  32 * KIB;
