import { KIB } from "./units.js";

/**
 * # Explanations
 *
 * How much of what a Task waits for is told in one answer.
 */
export const explain = {
  /** Steps of one Task whose wait is told; the others are counted. */
  explainedSteps: 100,
  /** Of these, Steps that are told their place in the queue and what each Worker says: each costs a read. */
  explainedPlaces: 10,
  /** Workers of one Step, those nearest to taking it first; the others are counted. */
  explainedWorkers: 20,
  /** Dependencies of one Step that are not done. */
  explainedDependencies: 20,
  /** Places in a queue that are counted; one further back is not told. */
  queuePlaces: 1_000,
  /** The stack of what an agent threw. */
  explainedDetailBytes: 16 * KIB,
  /** Commands that are shown. */
  nextActions: 20,
} as const;
