/**
 * # Clients of Tasker
 *
 * What its way of asking costs more than ours.
 */
export const tasker = {
  /** How far into a list a page may begin that is counted: the rows before it are read and dropped. By page token there is no such bound. */
  taskerOffset: 10_000,
  /** Reads for such a page: enough for the offset at a thousand rows each, and for pages that filters have left thin. */
  taskerOffsetReads: 20,
  /** Rows on a page if the request does not say. */
  taskerPageDefault: 25,
  /** Rows on a page at most; a request for more is refused. */
  taskerPageMax: 100,
  /** Pages of a Step's audit trail that are read for one that has none: each reads the Task. */
  taskerAuditPages: 10,
  /** Templates in a list, which has no pages: hundreds are many, and a client that shows more has no use for all at once. */
  taskerTemplates: 1_000,
  /** Tasks that are sorted by what the store does not sort by: all of them are read for each page, a few megabytes. */
  taskerSorted: 2_000,
} as const;
