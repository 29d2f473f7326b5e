import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # Messages
 *
 * What one request, frame or answer may carry.
 */
export const messages = {
  /** One gRPC message: gRPC's own default, and larger ones end a public Worker's stream. */
  messageBytes: 4 * MIB,
  /**
   * Things in one message that become objects, such as entries of lists and maps: a batch of 1 000 Tasks with 64 labels
   * and as many selectors each has 129 000. In JSON twice as many brackets and commas.
   */
  messageElements: 131_072,
  /** A message below this size is not counted through: it cannot hold so many elements that it matters. */
  uncountedMessageBytes: 64 * KIB,
  /** Messages within messages that are counted; those of our protos are a handful deep. */
  messageDepth: 32,
  /** Parameters of one query: a filter of 64 labels, and every other field of a list. */
  queryParameters: 100,
  /** A Task's `input_json`: leaves room in a message for everything else an assignment carries. */
  inputBytes: 1 * MIB,
  /**
   * A larger input is read by reference, once for each Worker and Task, where the Worker can: copies of smaller ones cost
   * less than a read.
   */
  inlineInputBytes: 64 * KIB,
  /**
   * A Run's `output_json`, or cursor and output of its checkpoint together: it returns in one status update and goes out in
   * one Task. A larger one fails the Run with `OUTPUT_LIMIT`.
   */
  resultBytes: 1 * MIB,
  /** Step results in one `GetTask` answer, all together; `GetStepResult` reads what was left out. */
  inlineOutputBytes: 1 * MIB,
  /** Runs in one `GetTask` answer, the newest first: some two thousand of them; the rest of the message is for the others. */
  answerRunsBytes: 512 * KIB,
  /** Error messages and models in one `GetTask` answer: each can be as long as a hundred Steps. */
  answerDetailsBytes: 512 * KIB,
  /** Left free in a `GetTask` answer for what is only estimated. */
  answerSpareBytes: 64 * KIB,
  /** Results of earlier Steps that travel with an assignment; an agent reads larger ones when it wants them. */
  dependencyResultsBytes: 1 * MIB,
  /** Left free in an assignment beside its input and results: for labels, ids, and the names of up to a thousand Steps. */
  assignmentSpareBytes: 256 * KIB,
  /** Headers of one request. */
  headerBytes: 16 * KIB,
  /** The number of headers of one request: Node's own default for HTTP/2. Browsers and proxies send about thirty. */
  headerPairs: 128,
  /** An id, an agent's or Step's name, an idempotency key, a correlation id. */
  idBytes: 256,
  /** The name of an event of an agent's own. */
  eventNameBytes: 64,
  /** Labels in one map: of a Task, a Worker, an agent, a selector; metadata of output and events. */
  labels: 64,
  /** A label's name or its value. */
  labelBytes: 256,
  /** Nesting of a JSON input or result: deeper is a mistake or an attack. */
  jsonDepth: 64,
  /** A Run's error message; longer ones are cut. */
  errorMessageBytes: 16 * KIB,
  /** What a Run keeps of the stack of what its agent threw, with causes: a few dozen frames of each. Longer ones are cut. */
  errorDetailBytes: 16 * KIB,
  /** Of an error's message within its stack: where it was thrown must fit beside a long one. */
  stackMessageChars: 1_024,
  /** The stacks of causes, and of the errors that one error collects, that go with it: a longer chain repeats itself. */
  stackCauses: 8,
  /** An agent's description: one sentence for people; longer ones are cut. */
  descriptionBytes: 1 * KIB,
  /** One output chunk or chat message, so that one packed log row stays well below a message. */
  chunkBytes: 64 * KIB,
  /**
   * The longest content that a public Worker, which knows no limit but that of the message, has passed on to watchers: it
   * still fits into one message with 64 entries of metadata of 512 B and the ids beside it.
   */
  publicContentBytes: 4 * MIB - 64 * KIB,
  /**
   * All that one Run adds to its Task's log: output, events, chat. One that writes more is a runaway, and fails with
   * `OUTPUT_LIMIT`.
   */
  runOutputBytes: 64 * MIB,
  /**
   * What each chunk, event and chat message counts at least, against `runOutputBytes` and against the credit: its line in the
   * log with ids and times. So a Run adds at most 262 144 lines, more than an hour of an answer streamed word by word.
   */
  reportBytes: 256,
  /** The longest duration a request may name, a century: whatever is longer is a mistake in units. */
  durationMost: millis(100 * 365 * 86_400_000),
  /** Versions that are named to who asked for a version of a template that does not exist. */
  versionsNamed: 10,
  /** The page of metrics, for which room is kept while it is made: more than the numbers of any server come to. */
  metricsPageBytes: 256 * KIB,
} as const;
