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
} as const;
