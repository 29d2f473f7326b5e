import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # Repair
 *
 * What people do by hand to Tasks and Steps.
 */
export const repair = {
  /** Actions by hand that are kept of one Step, the newest: each is an operator's; more are a program in a loop. */
  stepActions: 100,
  /** A reset of a Step that has a Run, which is asked for again within this time, is the same one: its answer was lost. */
  resetAgain: millis(60_000),
  /**
   * What is said of an entry of a journal, and said again in the same words within this time, is the same request: its answer was lost, or
   * it was long on its way. That it was not done need not hold any more when it is in doubt once more. Longer than any request takes.
   */
  saidAgain: millis(10 * 60_000),
  /** Results that a fork takes over: they are written in one commit, for which all others wait. */
  forkBytes: 1_024 * MIB,
  /** Steps that are named in the refusal of a fork. */
  forkNamed: 5,
  /** Tasks that one call of a bulk action deals with. */
  bulkTasks: 200,
  /** Of these at a time: they are decided in one turn, for which everybody else's requests wait. */
  bulkAtOnce: 8,
  /** After this a call is answered with what it has done so far. */
  bulkTime: millis(2_000),
  /** Kinds of refusals that an answer of a bulk action tells apart. */
  bulkRefusals: 20,
  /** Ids of Tasks that it names for each of them. */
  bulkRefusedIds: 5,
  /** Characters in the id of a bulk action, which is a part of idempotency keys. */
  bulkIdChars: 64,
  /** Names of a Task's Steps in an error about one that it does not have. */
  shownStepNames: 20,
  /** Entries on a page of a Step's audit trail. */
  stepAuditPage: 200,
} as const;
