import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # One turn
 *
 * What is decided and committed at once, what waits for it in memory, and what becomes of a message that cannot be decided.
 */
export const turn = {
  /** Messages one actor's mailbox holds: two turns' worth, so that one fills while the other commits. */
  mailbox: 1_024,
  /** Payload one mailbox holds, many turns' worth; 1 024 messages of the largest size would be 4 GiB. */
  mailboxBytes: 64 * MIB,
  /** Messages one turn takes. */
  turnMessages: 512,
  /** Rows one turn changes. */
  turnRows: 5_000,
  /** What one turn writes. */
  turnBytes: 4 * MIB,
  /** Assignments one turn makes; the next turn goes on. */
  turnAssignments: 512,
  /** Inputs and results one turn loads for assignments, and one more of any size; the next turn goes on. */
  turnAssignmentBytes: 16 * MIB,
  /** Rows of earlier Steps one turn loads to see what its assignments are given: a few Tasks of a thousand Steps. */
  turnDependencies: 10_000,
  /** Lanes whose ready Steps one turn reads again; the next turn goes on. */
  turnLanes: 16,
  /** Ready Steps kept in memory per lane: more than the free slots one turn can fill. */
  lanePage: 256,
  /**
   * Reads of rows for one message: its own, and what they point to in turn. The most are needed to see whether anything goes on in
   * a Task whose Steps are Tasks, `taskDepth` deep: two for each.
   */
  loadRounds: 20,
  /** Messages that one outside message leads to: more than the end of a thousand Runs at once leads to is an endless loop. */
  cascadeMessages: 50_000,
  /** Transitions of a machine without a message that follow one another: more in a row are an endless loop. */
  eventlessTransitions: 8,
  /** Checks in the background that one message is put aside for at once; what it lacks then, it is put aside for again. */
  verdictsAtOnce: 64,
  /** How often one message is put aside: enough for a Step that starts a thousand children. */
  verdictRounds: 32,
  /** How long a check that nobody had room for waits until it is asked for again. */
  verdictRetry: millis(250),
  /** How often a check is asked for that fails otherwise than for want of room. */
  verdictFailures: 20,
  /** Runs, Steps or Tasks ended with reason `INTERNAL` because one message fails on each of them; then the message is left alone. */
  culpritsPerMessage: 16,
  /** How long a message that cannot be decided is left alone at first; twice as long each time. */
  parkFirst: millis(30_000),
  /** The longest it is left alone. */
  parkMost: millis(3_600_000),
  /** Messages that cannot be decided, remembered so that they are left alone. */
  parkedMessages: 1_000,
  /** How long a turn whose commit failed waits before it is tried again. */
  turnRetry: millis(250),
  /**
   * How often one turn decides again what rests on rows that another node has moved: of three nodes that change the same Task at
   * the same time, each has its turn within so many but for one time in 25. What still loses is decided alone.
   */
  conflictRounds: 8,
  /** How long a message waits that has lost although it was decided alone; twice as long each time, up to `turnRetry`. */
  conflictPause: millis(5),
  /** Conflicts in a row after which a message is decided again without a pause. */
  conflictsAtOnce: 3,
  /** Conflicts in a row, with a pause each, after which a message is dropped: a minute, in which any change of another node has passed. */
  conflicts: 240,
  /** Due deadlines read at once; the next tick goes on. */
  dueDeadlines: 256,
  /** Fewer of them are read at once while so many take longer than this: what others ask for meanwhile waits behind them. */
  dueBatch: millis(100),
  /** Not fewer than so many: else no starts of Tasks would come with the others. */
  dueDeadlinesLeast: 4,
  /** What is due and found no room in a mailbox is looked at again after this long. */
  dueRetry: millis(50),
  /** A wake-up later than this extends all leases by the delay: the server itself had no time to hear its Workers. */
  lateTick: millis(1_000),
  /** A wall clock further than this from what the data directory remembers is doubted at the start: longer than a long weekend, and no longer than the usual retention. */
  clockGap: millis(7 * 24 * 3_600_000),
  /** Random numbers drawn at a time: asking the system for those of one id costs twice what the rest of it does. */
  randomNumbers: 256,
} as const;
