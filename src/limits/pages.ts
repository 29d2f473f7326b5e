import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # Pages
 *
 * Lists are read in pages.
 */
export const pages = {
  /** Tasks on a page if the request does not say. */
  pageSizeDefault: 100,
  /** Tasks on a page at most; a request for more gets this many. */
  pageSizeMax: 1_000,
  /** A page ends here, with `next_page_token` set. */
  pageBytes: 2 * MIB,
  /** A page ends after looking at this many rows, however few fitted the filters. */
  pageScannedRows: 10_000,
  /** States in one filter: each of the twelve, twice. */
  filterStates: 24,
  /** How much older than its parent a child's id may look, where another node has made it: a list of children ends its search there. */
  childIdSkew: millis(60_000),
} as const;
