/** Bounded because a {@link versionKey} has two digits for the length of each number. */
export const VERSION_LENGTH_MAX = 64;

const NUMBER = "(0|[1-9][0-9]*)";
const LATER_WORD = "(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
/** The form of a version that {@link isVersion} checks, without its length, as the source of a regular expression. */
export const versionPattern = `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${LATER_WORD}(?:\\.${LATER_WORD})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`;
const VERSION = new RegExp(versionPattern);

/** True for a Semantic Version 2.0.0 of at most 64 characters, such as `1.4.0` or `2.0.0-rc.1`. */
export function isVersion(text: string): boolean {
  return text.length <= VERSION_LENGTH_MAX && VERSION.test(text);
}

/**
 * A text whose order, by code units, is the order of semver precedence: a pre-release before its release, numbers by
 * value. Versions that differ only in build metadata have the same precedence but different keys, so that there is
 * always one newest.
 *
 * @throws {RangeError} if the text is not a version: check it by {@link isVersion} first
 */
export function versionKey(version: string): string {
  const [, major, minor, patch, early, build] = (isVersion(version) && VERSION.exec(version)) || [];
  if (major === undefined || minor === undefined || patch === undefined) {
    throw new RangeError(`${JSON.stringify(version)} is not a semantic version`);
  }

  const release = [major, minor, patch].map(numberKey).join(".");
  // "~" is after all that a pre-release can begin with; "!" and "+" are before all a word can go on with.
  const stage = early === undefined ? "~" : early.split(".").map(wordKey).join("");
  return `${release}.${stage}${build === undefined ? "" : `+${build}`}`;
}

/** Prefixed by its length: a longer number is larger, since none begins with a zero. */
function numberKey(digits: string): string {
  return `${String(digits.length).padStart(2, "0")}${digits}`;
}

/** Numbers come before words, and a word before all it is the beginning of. */
function wordKey(word: string): string {
  return /^[0-9]+$/.test(word) ? `0${numberKey(word)}!` : `1${word}!`;
}
