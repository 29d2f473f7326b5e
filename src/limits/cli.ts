import { millis } from "#domain/time/time";

/**
 * # The command line
 *
 * What is shown at once; `--json` shows everything.
 */
export const cli = {
  /** What `login` keeps of one server, and what it reads: a key is short, and an authority has some 10 KB. */
  profileBytes: 64 * 1024,
  /** Rows of one list: beyond this a list is for programs to page through with the client. */
  listRows: 100_000,
  /** A Task's input on a page; longer ones are cut. */
  shownInputChars: 400,
  /** A Step's name beside its progress; longer ones are cut, or sooner where the terminal is narrow: agents name members of a batch as they like. */
  shownNameChars: 32,
  /** Ids that begin with a text which is not enough: enough of them to see how they differ. */
  shownMatches: 5,
  /** A result at the end of a watch; longer ones are cut, and the rest is in `task get`. */
  shownResultChars: 2_000,
  /** Lines of it. */
  shownResultLines: 24,
  /** Lines of an error's stack on a Task's page: where it was thrown stands first. */
  shownDetailLines: 40,
  /** Dependencies of a Step that are named; more are counted: a convergence can have a thousand. */
  shownDependencies: 4,
  /** The end of what an agent writes that is kept: no terminal shows more on one line. */
  shownOutputChars: 512,
  /** Between two looks at what is left of a drain. */
  drainLook: millis(500),
  /** Between two pictures of a Task's progress: events come by the thousand, and an eye takes ten pictures a second. */
  progressFrame: millis(100),
  /** The same while nothing happens: only the times grow. */
  progressTick: millis(1_000),
  /** Tasks whose attempts `dev` counts for the line about their end; the count of older ones begins anew. */
  devTasksFollowed: 10_000,
  /** Lines about Tasks that wait for the terminal of `dev`; what comes on top is counted, so that a slow terminal slows nothing. */
  devLinesUnwritten: 1_000,
  /** Files that `dev` imports of a folder, and files whose changes it notices: more is a folder chosen by mistake. */
  devFiles: 2_000,
  /** After a file has changed, the quiet that `dev` waits for: editors and formatters write more than once. */
  devQuiet: millis(100),
  /** How long agents that have been replaced may finish what they do before it is handed to the new ones. */
  devDrain: millis(600_000),
  /** Processes of replaced agents that finish their Runs; of more, the oldest hands them back at once. */
  devReplaced: 4,
  /** How long an old process of agents may take to hear that it is replaced, before the new one is announced all the same. */
  devHears: millis(1_000),
  /** A process of agents that has heard nothing for so long has lost its Runs, whatever it does: an agent keeps its event loop. */
  devDeaf: millis(35_000),
  /** How much longer than its Runs were given a process of agents may take to end, before it is killed. */
  devLate: millis(2_000),
  /** How often the process of the agents looks whether that of `dev` is still there. */
  devParentEvery: millis(1_000),
  /** Between two questions of what shows a server live: `task list --watch`, `top`. People see no more, and a server feels no less. */
  liveEvery: millis(1_000),
  /** The same of `top`, which asks four questions. */
  topEvery: millis(2_000),
  /** Tasks of `task list --watch`: no screen is higher, and each of them is asked for again while it goes on. */
  watchedTasks: 200,
  /** Pages that are read for them each time, of 10 000 rows looked at: a filter that few Tasks fit must not keep a server busy. */
  watchedPages: 3,
  /** How long the completion of a name waits for the server: whoever has pressed Tab waits with it. */
  completionPatience: millis(400),
  /** Names that are completed: shells ask before they show more. */
  completedNames: 50,
  /** How long `doctor` waits for each answer of a server. */
  doctorPatience: millis(5_000),
  /** How far two clocks may be apart: what NTP keeps is far below, and requests take some of it. */
  doctorSkew: millis(2_000),
  /** Free space below which something is wrong: a few minutes of a busy server. */
  doctorSpaceLeast: 256 * 1024 * 1024,
  /** Free space below which it is said. */
  doctorSpaceEnough: 2 * 1024 * 1024 * 1024,
  /** Agents without a worker that are named. */
  doctorAgents: 10,
  /** Tasks that one command waits for at a time: the waits take half of the streams of its connection. */
  waitsAtOnce: 50,
  /** A Task that nobody has begun for so long waits for something, which is then said; sooner, it may just be on its way to a Worker. */
  waitingPatience: millis(2_000),
  /** How often a command looks why a Task does not go on while nothing happens, each time after twice as long: for some minutes. */
  waitingLooks: 8,
} as const;
