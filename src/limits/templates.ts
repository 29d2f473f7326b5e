import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # Templates
 *
 * What a template may be, how much of what is wrong with it is told, and the folder that templates are registered from.
 */
export const templates = {
  /** The text of one template: it travels in one message, with its parsed form beside it. */
  templateBytes: 1 * MIB,
  /** Words and signs of that text: one of more and shorter pieces is no template, and would take seconds to read. */
  templatePieces: 200_000,
  /** Levels of that text, two for each of the JSON it makes (`jsonDepth`), and a few for what is around: the reader calls itself for each. */
  templateNesting: 136,
  /** Versions of templates in one namespace, so that a loop that registers cannot fill the disk. */
  templatesPerNamespace: 10_000,
  /** Templates kept parsed in memory; others are read again from the store. */
  templatesInMemory: 256,
  /** Findings one validation reports; the rest are as wrong. */
  templateFindings: 100,
  /** Cycles of Steps that are reported: each is a mistake of its own; who has made so many will look again. */
  cyclesReported: 10,
  /** Steps of one cycle that are named: a message that names more is not read to its end. */
  cycleStepsNamed: 12,
  /** Branches of a decision that are named when its result chose another step; more are counted. */
  branchesNamed: 20,
  /** A word longer than this is compared with no other to find what was meant: it is no slip of the hand. */
  similarWordChars: 64,
  /** Words that one is compared with to find what was meant. */
  similarWords: 200,
  /** Free texts in a template: a page, not a book. */
  proseBytes: 10_000,
  /** Parts of one step's `input` that are read from the Task's data: each is found anew whenever the step is assigned. */
  mappedParts: 64,
  /** Schemas within one schema that are looked at to see what may lie at a path: beyond them it is left to the run. */
  schemasOnPath: 200,
  /** Members of one batch or map that may run at a time. */
  memberConcurrency: 1_000,
  /** The longest that an attempt may take, a timer may last or a signal may be waited for. */
  stepWaitMost: millis(30 * 24 * 3_600_000),
  /** The longest window in which the same work is done once. */
  identityWindowMost: millis(365 * 24 * 3_600_000),
  /** A name in a diagram: it is read at a glance. */
  diagramLabelBytes: 80,
  /** Differences between two templates that an error message names: enough to see what happened. */
  differencesNamed: 10,
  /** A value in such a difference: whole schemas can differ. */
  differenceChars: 60,
  /** Folders within folders that are looked at: deeper is another tree that was put there by mistake. */
  folderDepth: 8,
  /** Folders that are watched: each takes one of the system's watches. */
  folders: 256,
  /** Files of templates: more is a folder of data, and each is looked at after every change. */
  folderFiles: 1_000,
  /** Entries of folders that are looked at, whatever they are. */
  folderEntries: 20_000,
  /** A file is read after so long without a change: who writes one does so in several strokes. */
  folderQuiet: millis(200),
  /** A folder that never rests is read after this long all the same. */
  folderQuietMost: millis(2_000),
  /** Findings in a file that its line in the log names; who repairs it uses `taskrun template validate`. */
  findingsLogged: 10,
  /** How often a template that cannot be registered now is tried again, with growing pauses: in all for about four minutes. */
  registerRetries: 8,
  /** The first of those pauses; twice as long each time. */
  registerRetryFirst: millis(1_000),
} as const;
