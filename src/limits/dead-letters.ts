import { millis } from "#domain/time/time";
import { KIB } from "./units.js";

/**
 * # Dead letters
 *
 * What is kept and shown of Tasks that need a person.
 */
export const deadLetters = {
  /** An error message in a dead letter; the Task has all of it. */
  deadLetterMessageBytes: 2 * KIB,
  /** What operators write about one: a page of text. */
  deadLetterNotesBytes: 8 * KIB,
  /** Dead letters of the investigation queue that are shown at once, and in a page by default. */
  deadLettersShown: 100,
  /** Dead letters in a page of a list. */
  deadLettersPage: 500,
  /** The newest dead letters that statistics count; where there are more, they say so. */
  deadLettersCounted: 100_000,
  /** How often Tasks are looked for that have rested for too long: well below every threshold that makes sense. */
  staleEvery: millis(60_000),
  /** Tasks that are looked at together, a read for each. */
  stalePage: 100,
  /** Such pages of one round: with the rows that each looks through, a million kept Tasks are gone through in a few rounds. */
  stalePages: 20,
} as const;
