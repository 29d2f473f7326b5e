import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # The Worker library
 *
 * Bounds within a process that runs agents.
 */
export const workerLibrary = {
  /** The longest pause after the first failure to reach the server; it doubles from failure to failure, and the whole of it is random, so that a fleet does not come back at once. */
  reconnectFirst: millis(250),
  /** The longest pause however many tries have failed. */
  reconnectMost: millis(10_000),
  /**
   * Heartbeats within a lease, at least, however seldom the server asks for them: what is left of a lease when a server goes
   * away is counted from the last one, so that about two thirds of it are left for a restart.
   */
  beatsPerLease: 6,
  /**
   * The longest pause while Runs are held, as a share of what is left of the lease: a server that is back in time is found
   * before it ends, and several tries may fail.
   */
  reconnectShare: 1 / 8,
  /**
   * The least time that a try gets while Runs are held; otherwise half of what is left of the lease, so that one that gets no
   * answer is not the last: a server that many come back to at once answers within this.
   */
  connectLeast: millis(1_000),
  /** Renewals of a lease after which the next failure is a first one again: the welcome and two heartbeats, an interval apart, prove that the server is well. */
  stableRenewals: 3,
  /** Between two pings on a silent connection: well below the minute after which idle connections are dropped by what lies between. */
  workerPing: millis(15_000),
  /** How long the server may take to close its side after the Worker has closed its own. */
  farewell: millis(1_000),
  /** What a stopping Worker gives its Runs: finishing usually takes less; what takes longer is better begun anew elsewhere. */
  workerDrain: millis(20_000),
  /** Heartbeats sent and not acknowledged that are remembered; by then the lease is long over. */
  heartbeatsRemembered: 64,
  /**
   * How long a Worker whose id was taken by another process stays away, at first; twice as long each time, and half of it
   * random, so that two processes do not move in step. Coming back takes the id from the other one, and with it its Runs.
   */
  stayAwayFirst: millis(5_000),
  /** The longest that it stays away. */
  stayAwayMost: millis(80_000),
  /** Who has kept its id for so long has no rival any more: longer than any rival stays away. */
  takeoverCalm: millis(300_000),
  /** How often the id is taken back, in about two minutes: what has not come to rest by then needs a person. */
  takeovers: 5,
  /** Unacknowledged chunks of one Run, however small: each costs memory of its own. */
  outboxChunks: 4_096,
  /** Notes of one Run that wait for a connection; beyond them the oldest is forgotten. */
  outboxNotes: 256,
  /** Runs that have ended and are remembered, so that a late repeat of their assignment starts nothing. */
  formerRuns: 4_096,
  /** Declines not yet sent; the next heartbeat says of others that they are not in hand. */
  unsentDeclines: 4_096,
  /** How long after the deadline of a Run the Worker ends it by itself: the server does so before, and says why better. */
  deadlineSlack: millis(1_000),
  /** Names of errors that an agent's `retry.only` may have: who has more says better which are not tried again. */
  retriedErrors: 32,
  /** Schemas of agents in one hello: what is beyond is not announced, so that the hello stays below what a message may have. */
  helloSchemaBytes: 2 * MIB,
  /** An error is known by the causes of its causes so far: more is a cycle, or made to be one. */
  causesFollowed: 8,
  /** What an agent may wait for at once before it looks like a mistake: the result of every Step, and some output. */
  waitsPerRun: 1_100,
  /** Inputs kept for Runs that come later: some Tasks of the largest size, or hundreds of small ones. */
  inputCacheBytes: 16 * MIB,
  /** Inputs that may be under way at once; a Worker seldom has members of more Tasks in hand. */
  inputWindowBytes: 8 * MIB,
  /** Results of earlier Steps that may be under way at once: eight agents read, and the others wait. */
  resultWindowBytes: 8 * MIB,
  /** How long an input or result is tried to be read: as long as a server takes to be started again, and no longer. */
  readPatience: millis(30_000),
  /** One such try: a server that is up answers in far less. */
  readCall: millis(10_000),
  /** The longest pause after the first try that failed; it doubles, and is random, since many Runs may wait for the same server. */
  readRetryFirst: millis(100),
  /** The longest such pause. */
  readRetryMost: millis(2_000),
  /** Errors that an aggregate names: enough to see what goes wrong; who wants all of them reads the Steps' own results. */
  aggregatedErrors: 10,
  /** One of them: together they stay far below what a result may have. */
  aggregatedErrorBytes: 1 * KIB,
  /** Results of earlier Steps that a program is given: a join of more than that is for an agent that reads one by one. */
  execInputBytes: 16 * MIB,
  /** One line of JSON Lines that a program writes, in UTF-16 units: twice what a result may have in bytes, so that one which is too large is refused by its own limit. A longer line fails the Run. */
  execLineChars: 2_097_152,
  /** From the signal that asks a program to end to the one that ends it: enough to close its files, and well within any lease. */
  execKill: millis(5_000),
  /** What of a program's stderr goes into the error message: the end, where programs say what went wrong. */
  stderrTailChars: 2_000,
  /** What of a program's stderr goes into the Run's error detail: a long stack trace of another language. */
  stderrDetailChars: 5_000,
  /**
   * How long in all a program's pipes are waited for after it has ended. What it wrote is in them and needs no waiting; who else
   * holds them, such as a daemon that inherited them, does not keep the Run open.
   */
  execRestWait: millis(500),
  /** What is read of one pipe after the program has ended: more than a pipe holds, so that only a daemon which writes on comes to it. */
  execRestBytes: 4 * MIB,
  /** A line of stderr in the log; longer ones are cut. */
  stderrLineChars: 2_000,
  /** The agent `repo-report` goes no deeper into folders: a deeper tree is a mistake, or made to be one. */
  repoDepth: 64,
  /** It names and weighs a larger file without reading it: sources are smaller. */
  repoFileBytes: 1 * MIB,
  /** Where it finds no NUL byte, there is text: the same guess as git makes, over as many bytes. */
  repoSniffedBytes: 8_000,
  /** The largest files that it names. */
  repoLargest: 10,
  /** The agent `support-triage` judges longer tickets by their beginning: it is where people say what they want. */
  ticketChars: 100_000,
} as const;
