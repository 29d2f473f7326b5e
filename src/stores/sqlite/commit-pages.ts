import { localKindNames, textKindNames } from "#domain/row-kinds";
import type { SqlRow } from "./driver.js";
import { PAGE_BYTES } from "./file/files.js";
import type { CommitRequest } from "./thread/requests.js";

/** A commit of a few rows writes about this many pages. */
export const COMMIT_PAGES = 8;
/** Rows per further page: more if they are new and adjacent, fewer if they are spread. */
const ROWS_PER_PAGE = 2;

/** Nobody knows how long they are before they are copied: this leads to a checkpoint soon after. */
const COPY_BYTES = 16 * PAGE_BYTES;

/** An estimate of the pages that the commit adds to the write-ahead log. */
export function pagesOf(turn: CommitRequest): number {
  let rows = 0;
  for (const name of localKindNames) rows += turn[name].inserts.length + turn[name].updates.length;
  let bytes = 0;
  for (const name of textKindNames) bytes += lengthOf(turn[name]);
  for (const { packed } of turn.log) bytes += lengthOf(packed);
  bytes += lengthOf(turn.agents);
  bytes += turn.copies.length * COPY_BYTES;
  for (const values of turn.templates) for (const value of values) bytes += String(value).length;
  return COMMIT_PAGES + Math.ceil(rows / ROWS_PER_PAGE) + Math.ceil(bytes / PAGE_BYTES);
}

/** Of the texts at the end of some rows. */
function lengthOf(rows: readonly SqlRow[]): number {
  let length = 0;
  for (const values of rows) length += String(values[values.length - 1]).length;
  return length;
}
