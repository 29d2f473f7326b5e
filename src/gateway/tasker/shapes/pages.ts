import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** A part of a list: so many rows after so many others. */
export interface Slice {
  readonly offset: number;
  readonly limit: number;
}

/** One page of a list that is read by page tokens. */
export interface TokenPage<Row> {
  readonly rows: readonly Row[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

export interface Sliced<Row> extends TokenPage<Row> {
  readonly hasMore: boolean;
}

/** The slice of a page that is counted from 1. @throws {Fault} `invalid` */
export function sliceOfPage(page: number, perPage: number): Slice {
  return { offset: (page - 1) * perPage, limit: perPage };
}

interface SliceTerms {
  /** The token of the page from which rows are counted. */
  readonly begin?: string;
  readonly field?: string;
  readonly goOn?: string;
}

/**
 * A part of a list by its offset, read by page tokens. The rows before it are read and dropped, so how far it may begin is bounded,
 * and so is the number of reads; whoever needs more goes on by `nextPageToken`, which costs nothing.
 *
 * @param field the parameter by which the slice begins where it does, for the error
 * @param goOn how the caller can go on from there, for the error
 * @param read reads at most `size` rows after a token; it may give fewer, even none, before the last page
 * @throws {Fault} `invalid`, naming the parameter, if it begins too far in
 */
export async function sliceOf<Row>(
  read: (pageToken: string, size: number) => Promise<TokenPage<Row>>,
  { offset, limit }: Slice,
  { begin = "", field = "offset", goOn = "go on by page_token" }: SliceTerms = {},
): Promise<Sliced<Row>> {
  if (offset > limits.taskerOffset) throw tooFar(field, offset, goOn);
  const rows: Row[] = [];
  let skip = offset;
  let token = begin;
  for (let reads = 0; reads < limits.taskerOffsetReads; reads++) {
    const size = Math.min(skip > 0 ? skip : limit - rows.length, limits.pageSizeMax);
    const page = await read(token, size);
    token = page.nextPageToken;
    if (skip > 0) skip -= page.rows.length;
    else rows.push(...page.rows);
    if (token === "" || (skip === 0 && rows.length >= limit)) break;
  }
  if (skip > 0 && token !== "") throw tooFar(field, offset, goOn);
  return { rows, nextPageToken: token, hasMore: token !== "" };
}

function tooFar(field: string, offset: number, goOn: string): Fault {
  const message = `${field} begins after ${offset} rows, and only the first ${limits.taskerOffset} rows can be counted so: narrow the filter, or ${goOn}.`;
  return new Fault("invalid", message, { field, reason: "OFFSET_TOO_LARGE" });
}
