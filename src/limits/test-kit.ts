import { millis } from "#domain/time/time";

/**
 * # The test kit
 *
 * Bounds of a plane in virtual time, and of an agent that runs without one.
 */
export const testKit = {
  /** Iterations of the event loop without any activity after which a plane in virtual time is at rest: answers pass through a few of them. */
  calmIterations: 8,
  /** Iterations of the event loop in which a plane must come to rest: more mean that something repeats without end. */
  restIterations: 500_000,
  /** How long virtual time stands still, in real time, for an agent that works in real time: an agent that reads files or talks to another process; its caller may say otherwise. */
  agentPatience: millis(100),
  /** How long virtual time stands still, in real time, for a request or a check by a schema, which end by themselves. */
  requestPatience: millis(10_000),
  /** Times that something may be due at one instant: more mean a deadline that is set again and again. */
  stopsPerInstant: 10_000,
  /** Lines that a transcript keeps, the newest: a test that reads more than these reads the log of its Task. */
  transcriptLines: 10_000,
  /** Scripted failures that wait at a time: more are a loop in a test. */
  scriptedFailures: 1_000,
  /** The longest time that a test may let pass at once: a hundred years, in which all that can be due is due. */
  advanceMost: millis(100 * 365 * 86_400_000),
} as const;
