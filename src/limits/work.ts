import { millis } from "#domain/time/time";

/**
 * # Tasks, Steps and Runs
 *
 * How large a Task may be, how many wait, and how often and how long a Step is tried.
 */
export const work = {
  /** Tasks in one `BatchCreateTasks`: one commit of bearable length. */
  batchTasks: 1_000,
  /** Steps of one `BatchCreateTasks` in all: the same commit, counted where it is felt. */
  batchSteps: 4_000,
  /** Steps of one Task, those included that decisions, batches and maps make: its graph is loaded, shown and drawn whole. */
  taskSteps: 1_000,
  /** Items of one map. Beyond the Steps that its Task may have, they are done in Tasks of their own, so many of them that the Task can still be shown whole. */
  mapItems: 100_000,
  /** Such Tasks of one map that run at a time, at most: with more, a slow member at the end of one holds up fewer others, but more Steps wait in the store. */
  mapSegments: 16,
  /** Dependencies between the Steps of one Task. */
  taskEdges: 10_000,
  /** Tasks within Tasks: deeper is a loop nobody meant. */
  taskDepth: 8,
  /** Tasks of one namespace that wait for their first Run. */
  waitingPerNamespace: 100_000,
  /** The same over all namespaces. */
  waitingTotal: 1_000_000,
  /** How long a namespace may save up what its rate of creates allows it: so much can be asked for at once. */
  createBurst: millis(10_000),
  /** Namespaces whose rate is counted at a time, where all have one: the names are clients' words. */
  createBuckets: 10_000,
  /** How often a server stores what Runs have written, where that has a limit: a crash forgets no more than this, and other servers hear as late. */
  usageEvery: millis(5_000),
  /** Namespaces whose output is counted in one day: of the others nothing is held against them. */
  usageNamespaces: 10_000,
  /** Different pairs of agent and Worker selector that have ready Steps at a time. */
  lanesPerNamespace: 1_000,
  /** A priority lies between minus this and plus this. */
  priority: 100,
  /** What a Task may ask for as `max_attempts`. */
  maxAttempts: 100,
  /** What a Task that names an agent gets without `max_attempts`; a template says it for each Step. */
  defaultAttempts: 1,
  /** What a Task or a Step of a template may ask for as `max_losses`: a Step that ends a hundred Workers is what ends them. */
  maxLosses: 100,
  /**
   * What it gets without: Workers crash and are replaced one at a time, and a Step that has lost four of them is probably
   * what ends them.
   */
  defaultLosses: 3,
  /**
   * The longest delay after the first failure of a Step that declares no retry policy; it doubles from failure to failure. The
   * whole delay is random: a fleet that failed together must not come back together.
   */
  defaultRetryFirst: millis(1_000),
  /** The longest delay however many attempts have failed. */
  defaultRetryMost: millis(60_000),
  /** The longest wait an agent's `retry_after_ms` can ask for: longer is a mistake, or a Task for tomorrow. A longer hint counts as this. */
  retryAfterMax: millis(24 * 3_600_000),
  /**
   * Runs of a Step in a row that Workers hand back, or that stop at the checkpoint they began from; with growing pauses this is
   * an hour and a half of trying, then the Step fails.
   */
  fruitlessRuns: 100,
  /** As many of them are followed by the next Run at once: the next Worker may well take it. */
  fruitlessAtOnce: 2,
  /** The first pause after that; twice as long each time. */
  fruitlessPauseFirst: millis(500),
  /** The longest such pause. */
  fruitlessPauseMost: millis(60_000),
  /** How long a Step keeps away from a Worker that handed its Run back; twice as long each time. */
  avoidFirst: millis(500),
  /** The longest that it keeps away. */
  avoidMost: millis(30_000),
  /**
   * Declines of a Step that are believed while its Workers say they have room: two that have room because they take nothing
   * would else hand it to and fro, and no third would see it.
   */
  trustedDeclines: 2,
  /** Runs of one Step in all, so that its Task can be read: a week of checkpoints, one a minute. */
  stepRuns: 10_000,
  /** Checkpoints of a Step that cost no time. */
  freeCheckpoints: 10,
  /**
   * Each further one adds so much to the least time between two Runs: a Step that stops every minute is never slowed in the
   * 10 000 Runs it may have.
   */
  checkpointPace: millis(6),
  /** A Task that waits for an operator is given up after this long if nobody puts it right. */
  operatorWait: millis(7 * 24 * 3_600_000),
  /**
   * How long compensation waits for a Worker that holds on to a Run of the ended Task, from the end of the Run: longer than one
   * call of an agent takes, and an agent that has not heeded its cancel by then never will. Then the Run is taken from it. A Step waits
   * as long for the end of what must be done once before it begins anew, and its Worker for the same before it says that the Run has ended.
   */
  releaseWait: millis(5 * 60_000),
  /** Of a value that a map was given and that is no list, what its error message shows. */
  notAListBytes: 64,
} as const;
