import { millis } from "#domain/time/time";

/**
 * # Agents that ask a model
 *
 * Bounds of `claudeAgent` and `openaiAgent`, within a process that runs agents.
 */
export const models = {
  /** The text that a model is asked, in UTF-16 units: as much as the input of a Task may have. */
  promptChars: 1_048_576,
  /** One message of a model's program, in UTF-16 units: an image that a tool has read comes in one. A longer one is not read. */
  modelLineChars: 16_777_216,
  /** How long a model's program may take to end after its result; some versions forget to. */
  modelFarewell: millis(5_000),
  /** Answers of a model in one Run: more is a loop. */
  modelTurnsMost: 1_000,
  /** Tools in a list of a model's program, or further arguments of it. */
  programWords: 256,
} as const;
