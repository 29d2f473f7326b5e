import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # Schemas
 *
 * What a JSON Schema may cost. A check that is known to be cheap is made at once; any other one is made in a thread, with an
 * allowance of time and memory.
 */
export const schemas = {
  /** One JSON Schema of a template: it is written by hand or drawn from a type. Its validator takes a hundred times the room. */
  schemaBytes: 256 * KIB,
  /** One check that is not known to be cheap; most take a thousandth of it. */
  schemaCheck: millis(250),
  /** The heap of the thread for it. */
  schemaCheckBytes: 64 * MIB,
  /** The second and last attempt, in a lane of its own, among others of its kind. */
  schemaCheckAlone: millis(2_500),
  /** The heap of the thread for that. */
  schemaCheckAloneBytes: 256 * MIB,
  /** All schemas of one template together, when it is registered or validated. */
  schemaChecksOfTemplate: millis(10_000),
  /** Values that wait to be checked in the background. */
  schemaChecks: 4_096,
  /** The same in bytes, with their schemas. */
  schemaChecksBytes: 128 * MIB,
  /** Schemas that are remembered for having used up an allowance. */
  slowSchemas: 256,
  /** For so long such a schema goes to the second attempt at once, whatever it is to check. */
  slowSchema: millis(600_000),
  /** Checks in a row that use up the second attempt too, after which none by that schema is made for a while. */
  slowSchemaMisses: 3,
  /** That while. */
  slowSchemaBarred: millis(60_000),
  /** A thread that is not needed for so long is ended: it costs some 20 MB. */
  schemaThreadIdle: millis(30_000),
  /** The start of a thread: on a machine at its limit it takes seconds, which is no fault of the first check's. */
  schemaThreadStart: millis(30_000),
  /** Compiled schemas that a thread keeps: one that is used again and again is compiled once. */
  schemasPerThread: 32,
  /** In a value of more characters a thread looks for the first problem only: each item of a long list may have one. */
  schemaSearchedChars: 16_384,
  /** A larger schema is not looked at for being cheap. */
  cheapSchemaBytes: 16 * KIB,
  /** Keywords of a schema that is compiled in place: each takes about a tenth of a millisecond. */
  cheapSchemaKeywords: 256,
  /** Levels of one. */
  cheapSchemaDepth: 32,
  /** Instructions of a pattern that is compiled in place: RE2 takes the longer to compile. */
  cheapPatternSize: 256,
  /** Groups within groups of one. */
  cheapPatternDepth: 32,
  /** Steps that a check in place may take: some tens of milliseconds. */
  schemaSteps: 4_194_304,
  /** The same of all checks in place until others have their turn: a turn may bring hundreds. */
  schemaStepsAtOnce: 16_777_216,
  /** The same where every problem is wanted, each of which takes room. */
  schemaStepsForAll: 262_144,
  /** Compiled schemas that are kept, of some ten kilobytes each. */
  schemasInMemory: 1_024,
  /** Problems of one value that are named; the rest are counted. */
  schemaProblems: 10,
  /** One problem is one line: a path can be as long as a name in the value. */
  schemaProblemBytes: 256,
} as const;
