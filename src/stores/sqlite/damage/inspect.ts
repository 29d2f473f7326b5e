import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { refuseBackup } from "../backup/format.js";
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

/** The reason of a Fault: the file lacks acknowledged commits. */
export const STORE_BEHIND = "STORE_BEHIND";

/** The state of a file before it is opened for writing. */
export interface Inspected {
  /** The number of migrations applied; 0 if the file is missing or empty. */
  readonly version: number;
  /** Undefined if the file has no head yet; then its rows and pages have no checksums either. */
  readonly head: Head | undefined;
  /** The number of valid frames, if frames follow that look like commits but that SQLite would not accept. */
  readonly brokenAt?: number | undefined;
}

/**
 * Checks that the file is as the last server left it: every page against its checksum, the head against the head file
 * beside it. If a checksum does not match, checks the whole content of the file in order to report what is damaged. A
 * page that is valid but of another time, or that has lost its checksum, is refused too. Changes nothing, except that
 * an unfinished journal of a new file is completed. No connection to the file may be open in this process.
 *
 * @param upTo how many pages to check; all by default
 * @throws {Fault} reason `STORE_BEHIND` if it has lost commits, `STORE_DAMAGED`, `STORE_TOO_NEW`
 */
export function inspect(
  { path, driver }: Pick<FileOptions, "path" | "driver">,
  sums: PageSums,
  upTo?: number,
): Inspected {
  refuseBackup(path);
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
    // If the first page is damaged, the version or encoding it states is not reported as a reason.
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
 * Describes missing page checksums, as a sentence without the full stop. Missing checksums are damage, because a file
 * with a head has had checksums for all of its pages.
 *
 * @param unknown how many pages have no checksum
 */
export function missingSums(path: string, unknown: number): string {
  return (
    `${beside.sums(path)} is missing, or was cut: it has no checksum for ${unknown} pages of ${path}, so that nobody ` +
    "knows whether they are what this server has written"
  );
}

/** Describes pages that differ from their checksums although the content of the file is consistent. */
function differenceOf(pages: readonly number[]): string {
  const number = pages.length < limits.damageNamed ? pages.length : `at least ${limits.damageNamed}`;
  return (
    `${number} of its pages, the first one number ${pages[0]}, are whole but not as this server left them: they are of ` +
    "another time, or another program has written to the file"
  );
}

/**
 * Reads the head of the commits from the file.
 *
 * @throws {DamagedRow}
 */
export function headOf(db: Driver): Head {
  const [row = []] = db.prepare(boots.head).all([]);
  const [, store, at, commits, digest] = plane.open(row);
  return { store: String(store), at: Number(at), commits: Number(commits), digest: Number(digest) };
}

/**
 * Describes a journal that another program has left, as a sentence without the full stop; undefined if there is none.
 * From its first commit on, the file has a write-ahead log and no journal; SQLite would roll the file back to the
 * content of such a journal.
 */
export function foreignJournal(path: string, mark: HeadMark | null | undefined): string | undefined {
  if ((mark?.commits ?? 0) === 0 || (sizeOf(beside.journal(path)) ?? 0) === 0) return undefined;
  return `${beside.journal(path)} lies beside ${path}, which this server does not leave there: another program has written to it`;
}

/** Lets SQLite complete a journal left by a kill: SQLite creates a new file with a journal, before it has a log. */
function finishJournal(path: string, driver: FileOptions["driver"]): void {
  if (sizeOf(beside.journal(path)) === undefined) return;
  const db = openDriver(path, driver);
  opened(db, () => db.prepare("SELECT count(*) FROM sqlite_schema").all([]));
  db.close();
}

/** @throws {Fault} reason `STORE_BEHIND` if commits are missing */
function refuseIfBehind(path: string, head: HeadMark | undefined, mark: HeadMark | null | undefined): void {
  const why = behind(path, head, mark);
  if (why === undefined) return;
  const advice = `put back what is missing, perhaps ${beside.wal(path)}, or go on without it by \`taskrun server --repair\``;
  throw new Fault("wrong_state", `${why}; ${advice}`, { reason: STORE_BEHIND });
}

/** Compares the head in the file with the mark beside it; describes what is missing, or returns undefined. */
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

/** @throws {Fault} reason `STORE_DAMAGED`, with the first finding, if there is any */
function refuseFindings(path: string, findings: Iterable<Finding>): void {
  for (const finding of findings) {
    throw errorOf(damaged(`${path} is damaged: ${sentenceOf(finding)}`));
  }
}
