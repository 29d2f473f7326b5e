/**
 * # The inspector's page and command
 *
 * What is kept and shown of a stream of inspection events. The page in the browser has the same bounds: it loads this file,
 * which therefore imports nothing.
 */
export const inspectPage = {
  /** Events that are kept, to go back to: some ten minutes of a busy development server. Of more, the oldest are dropped and counted. */
  keptEvents: 5_000,
  /** Actors that are kept; of more, those that ended first are forgotten and counted, then the oldest ones. */
  keptActors: 5_000,
  /** Events between two states of the world that are kept, from which an earlier one is computed: a step of the slider takes as many. */
  eventsPerCheckpoint: 250,
  /** Different definitions that are kept as charts: there are eight machines, and a stream could name more. */
  keptMachines: 64,
  /** States of a chart. More are no chart that anybody reads. */
  chartStates: 200,
  /** Transitions of a chart. */
  chartTransitions: 1_000,
  /** States within states of a chart. */
  chartDepth: 8,
  /** Characters of a name in a chart. */
  chartNameChars: 200,
  /** Characters of any other text of a definition. */
  chartTextChars: 1_000,
  /** Transitions between the same two states that a chart names at their arrow; the rest is counted. */
  chartLabelLines: 5,
  /** Values of a context that are shown, and that a change is described by. */
  contextEntries: 60,
  /** Characters of one of these values. */
  contextValueChars: 200,
  /** Changed values that a message's line names; the rest is counted. */
  changesShown: 3,
  /** Steps of a Task that its sentence names; the rest is counted. */
  situationSteps: 3,
  /** Milliseconds after its last failure at which a Task that waits for an operator is given up: `operatorWait`, for the page. */
  shownOperatorWait: 604_800_000,
  /** Milliseconds between two messages while they are played: slow enough to see what changes. */
  playEvery: 450,
  /** Characters of one event; a longer one is dropped and counted: none of ours is near it. */
  eventChars: 262_144,
} as const;
