import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

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
  /** Answers of a model in one Run where nothing else is said: enough for a dozen tools, and few enough to notice a loop. */
  modelTurns: 20,
  /** Answers of a model in one Run: more is a loop. */
  modelTurnsMost: 1_000,
  /** Tools in a list of a model's program, or further arguments of it. */
  programWords: 256,
  /** Tools that a model is offered: as many as an agent may announce. */
  modelTools: 64,
  /** Text of one answer of a model, or all arguments of its tool calls, in UTF-16 units: far more than models write. */
  modelAnswerChars: 4_194_304,
  /** Tokens that one answer may be bounded to. */
  modelOutputTokensMost: 10_000_000,
  /** How long the server of a model may take to begin an answer, where nothing else is said: models that think are slow. */
  modelRequest: millis(600_000),
  /** The longest that may be said. */
  modelRequestMost: millis(24 * 3_600_000),
  /** A file that describes a worker's agents: thousands of lines of instructions. */
  workerFileBytes: 1 * MIB,
  /** What a tool gives a model, in UTF-16 units: more than most models can read. The rest is cut. */
  toolResultChars: 262_144,
} as const;
