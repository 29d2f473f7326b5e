import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { type Driver, openDriver, opened, openReadOnly } from "../driver.js";
import { damaged, errorOf } from "../failure.js";
import { type FileOptions, STORE_TOO_NEW, setForReading, versionOf } from "../file/file.js";
import { beside, sizeOf } from "../file/files.js";
import { type Head, type HeadMark, readHeadFile } from "../file/head.js";
import { foreignOf, headPageOf, trailOf } from "../file/log-commits.js";
import type { PageSums } from "../file/page-sums.js";
import { SEALED_SINCE } from "../migrations/index.js";
import { DamagedRow } from "../rows/checksum.js";
import { plane } from "../rows/rows.js";
import { boots } from "../rows/statements.js";
import { check, type Finding, sentenceOf, structure } from "./check.js";

/** The reason of a Fault: acknowledged commits are not in the file. */
export const STORE_BEHIND = "STORE_BEHIND";

/** What a file is before it is opened to write. */
export interface Inspected {
  /** How many migrations it has had; 0 for none, or an empty one. */
  readonly version: number;
  /** Undefined if it has none yet, nor checksums of its rows and pages. */
  readonly head: Head | undefined;
  /** Behind so many frames the log holds what SQLite does not take, though it looks like commits. */
  readonly brokenAt?: number | undefined;
}

/**
 * Looks whether the file is what was left behind, and changes nothing of it: every page by its checksum, the head by
 * what is beside the file. Where one of them is not as it should be, everything in the file is looked at, to say what
 * is damaged; but a page that only is of another time, or has lost its checksum, is refused as well. No connection to the file may be open in this process.
 *
 * @param upTo how many pages to look at; all if it is not given
 * @throws {Fault} reason `STORE_BEHIND` if it has lost commits, `STORE_DAMAGED`, `STORE_TOO_NEW`
 */
export function inspect(
  { path, driver }: Pick<FileOptions, "path" | "driver">,
  sums: PageSums,
  upTo?: number,
): Inspected {
  const mark = readHeadFile(beside.head(path));
  if ((sizeOf(path) ?? 0) === 0) {
    refuseIfBehind(path, undefined, mark);
    return { version: 0, head: undefined };
  }

  const journal = foreignJournal(path, mark);
  if (journal !== undefined) throw errorOf(damaged(journal));
  finishJournal(path, driver);
  const { different, unknown } = sums.compare(limits.damageNamed, upTo);
  try {
    return inspectInside({ path, driver }, mark, different, unknown);
  } catch (error) {
    // What a damaged first page says of the file's version or encoding is no reason of its own.
    const isOwn = error instanceof Fault && error.reason !== STORE_TOO_NEW;
    if (isOwn || error instanceof DamagedRow || !different.includes(1)) throw error;
    throw errorOf(damaged(`${path} is damaged: page 1 is not as its checksum says`));
  }
}

function inspectInside(
  { path, driver }: Pick<FileOptions, "path" | "driver">,
  mark: HeadMark | null | undefined,
  different: readonly number[],
  unknown: number,
): Inspected {
  const db = openReadOnly(path, driver);
  try {
    setForReading(db);
    const version = versionOf(db, path, db.schema);
    if (version < SEALED_SINCE) {
      refuseIfBehind(path, undefined, mark);
      refuseFindings(path, structure(db));
      return { version, head: undefined };
    }
    const head = headOf(db);
    refuseIfBehind(path, head, mark);
    const { foreign, brokenAt } = trailOf(path, headPageOf(db, db.schema));
    if (foreign) throw errorOf(damaged(foreignOf(path, foreign)));
    if (different.length + unknown === 0) return { version, head, brokenAt };

    refuseFindings(path, check(db));
    if (different.length > 0) throw errorOf(damaged(`${path} is damaged: ${differenceOf(different)}`));
    throw errorOf(damaged(missingSums(path, unknown)));
  } finally {
    db.close();
  }
}

/**
 * A file with a head has had checksums for all of its pages. As a sentence without its full stop.
 *
 * @param unknown how many have none
 */
export function missingSums(path: string, unknown: number): string {
  return (
    `${beside.sums(path)} is missing, or was cut: it has no checksum for ${unknown} pages of ${path}, so that nobody ` +
    "knows whether they are what this server has written"
  );
}

/** What is wrong with pages though all that is in them fits together. */
function differenceOf(pages: readonly number[]): string {
  const number = pages.length < limits.damageNamed ? pages.length : `at least ${limits.damageNamed}`;
  return (
    `${number} of its pages, the first one number ${pages[0]}, are whole but not as this server left them: they are of ` +
    "another time, or another program has written to the file"
  );
}

/** @throws {DamagedRow} */
export function headOf(db: Driver): Head {
  const [row = []] = db.prepare(boots.head).all([]);
  const [, store, at, commits, digest] = plane.open(row);
  return { store: String(store), at: Number(at), commits: Number(commits), digest: Number(digest) };
}

/**
 * From its first commit on the file has a log instead of a journal: SQLite would undo from this one what it says. As
 * a sentence without its full stop; undefined if there is none.
 */
export function foreignJournal(path: string, mark: HeadMark | null | undefined): string | undefined {
  if ((mark?.commits ?? 0) === 0 || (sizeOf(beside.journal(path)) ?? 0) === 0) return undefined;
  return `${beside.journal(path)} lies beside ${path}, which this server does not leave there: another program has written to it`;
}

/** SQLite makes a new file in its older way, with a journal. What a kill has left of that must be finished first. */
function finishJournal(path: string, driver: FileOptions["driver"]): void {
  if (sizeOf(beside.journal(path)) === undefined) return;
  const db = openDriver(path, driver);
  opened(db, () => db.prepare("SELECT count(*) FROM sqlite_schema").all([]));
  db.close();
}

/** @throws {Fault} reason `STORE_BEHIND` */
function refuseIfBehind(path: string, head: HeadMark | undefined, mark: HeadMark | null | undefined): void {
  const why = behind(path, head, mark);
  if (why === undefined) return;
  const advice = `put back what is missing, perhaps ${beside.wal(path)}, or go on without it by \`taskrun server --repair\``;
  throw new Fault("wrong_state", `${why}; ${advice}`, { reason: STORE_BEHIND });
}

/** What is missing of a file whose head is compared with the mark beside it; undefined if nothing is. */
export function behind(
  path: string,
  head: HeadMark | undefined,
  mark: HeadMark | null | undefined,
): string | undefined {
  const file = beside.head(path);
  if (mark === null) return `${file} is damaged, so that nobody knows whether ${path} has lost commits`;
  if (mark === undefined) {
    return head && `${file} is missing, so that nobody knows whether ${path} has lost commits`;
  }
  const commits = head?.commits ?? 0;
  if (commits < mark.commits) {
    return `${path} has lost commits: its last one is number ${commits}, but number ${mark.commits} was acknowledged, as ${file} says`;
  }
  if (!head) return undefined;
  if (head.store !== mark.store) return `${path} is not the file that ${file} belongs to`;
  if (commits > mark.commits || head.digest === mark.digest) return undefined;
  return `${path} has other commits than those acknowledged: number ${commits} has the digest ${head.digest}, but ${mark.digest} in ${file}`;
}

/** @throws {Fault} reason `STORE_DAMAGED` with the first of them */
function refuseFindings(path: string, findings: Iterable<Finding>): void {
  for (const finding of findings) {
    throw errorOf(damaged(`${path} is damaged: ${sentenceOf(finding)}`));
  }
}
