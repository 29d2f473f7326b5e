import { millis } from "./time.js";

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Every bound of the plane, with its reason. `docs/limits.md` lists them; a test holds the two equal.
 * Sizes are in bytes, times in milliseconds.
 */
export const limits = {
  /** gRPC's own default; larger messages end a public worker's stream. */
  messageBytes: 4 * MIB,
  /** Things in one message that become objects: a batch of 1 000 tasks with 64 labels and selectors each has 129 000. */
  messageElements: 131_072,
  /** Leaves room in a 4 MiB message for everything else an assignment carries. */
  inputBytes: 1 * MIB,
  /** An input over it is read by reference where the worker can: copies of smaller ones cost less than a read. */
  inlineInputBytes: 64 * KIB,
  /** Same reason: a result returns in one status update and goes out in one Task. */
  resultBytes: 1 * MIB,
  /** Step outputs inlined in one GetTask answer, all together. */
  inlineOutputBytes: 1 * MIB,
  headerBytes: 16 * KIB,
  /** Node's own default for HTTP/2: browsers and proxies send about thirty. */
  headerPairs: 128,
  idBytes: 256,
  labels: 64,
  labelBytes: 256,
  jsonDepth: 64,
  errorMessageBytes: 16 * KIB,
  /** An agent's one sentence for people. */
  descriptionBytes: 1 * KIB,

  /** One packed log row stays well below a message. */
  chunkBytes: 64 * KIB,
  /** All that one run adds to its task's log. A run that writes more than this is a runaway. */
  runOutputBytes: 64 * MIB,
  /**
   * What a report of a worker counts at least: its line in the log with its ids and times, on disk and to watchers.
   * So a run adds at most 262 144 lines, which is more than an hour of an answer that is streamed word by word.
   */
  reportBytes: 256,
  /** Bytes of one run sent and not yet acknowledged, before any ack says otherwise. */
  runCreditBytes: 256 * KIB,
  /** The same over all runs of one worker. */
  workerCreditBytes: 8 * MIB,

  /** A thousand tasks of one step, or fewer larger ones, make one commit of bearable length. */
  batchTasks: 1_000,
  /** Steps of one batch of tasks in all; the same length of commit, counted where it is felt. */
  batchSteps: 4_000,
  /** A task's graph is loaded, shown and drawn whole. */
  taskSteps: 1_000,
  taskEdges: 10_000,
  /** Tasks within tasks: deeper is a loop nobody meant. */
  taskDepth: 8,
  /** A template travels in one message, with its parsed form beside it. */
  templateBytes: 1 * MIB,
  /** Versions of templates in one namespace, so that a loop that registers cannot fill the disk. */
  templatesPerNamespace: 10_000,
  /** Templates kept parsed in memory; others are read again from the store. */
  templatesInMemory: 256,
  /** Findings one validation reports; the rest are as wrong. */
  templateFindings: 100,
  /** A schema is written by hand or drawn from a type; its validator takes a hundred times the room. */
  schemaBytes: 256 * KIB,
  /** What a check may take that is not known to be cheap; most take a thousandth of it. */
  schemaCheck: millis(250),
  /** The second and last attempt, among others of its kind. */
  schemaCheckAlone: millis(2_500),
  /** The schemas of one template together, when it is registered or validated. */
  schemaChecksOfTemplate: millis(10_000),
  /** Values that wait to be checked, in number and with their schemas in bytes. */
  schemaChecks: 4_096,
  schemaChecksBytes: 128 * MIB,
  /** Results of earlier steps that travel with an assignment; larger ones are read when wanted. */
  dependencyResultsBytes: 1 * MIB,
  /** A held task is given up after this long if nobody puts it right. */
  hold: millis(7 * 24 * 3_600_000),
  waitingPerNamespace: 100_000,
  waitingTotal: 1_000_000,
  lanesPerNamespace: 1_000,
  /** Ready steps held in memory per lane: more than the free slots one turn can fill. */
  lanePage: 256,

  /** A mailbox holds two turns' worth, so that one can fill while the other commits. */
  mailbox: 1_024,
  /** Payload a mailbox holds, many turns' worth; 1 024 messages of the largest size would be 4 GiB. */
  mailboxBytes: 64 * MIB,
  /** Verdicts by schemas that one message is sent for at once; what it lacks then, it is sent for again. */
  verdictsAtOnce: 64,
  /** How often one message is sent for verdicts: enough for a step that starts a thousand children. */
  verdictRounds: 32,
  turnMessages: 512,
  turnRows: 5_000,
  turnBytes: 4 * MIB,
  /** Assignments one turn makes; the next turn goes on. */
  turnAssignments: 512,
  /** Messages one outside message leads to: beyond what ends a thousand runs at once it is a circle. */
  cascadeMessages: 50_000,
  /** Runs, steps or tasks ended because one message fails on each of them; then the message is left alone. */
  culpritsPerMessage: 16,
  /** A message that cannot be decided is tried again after this, then after twice as long each time. */
  parkFirst: millis(30_000),
  parkMost: millis(3_600_000),
  /** Messages that cannot be decided, remembered so that they are left alone. */
  parkedMessages: 1_000,
  /** Inputs and results one turn loads for assignments, with one more of any size; the next turn goes on. */
  turnAssignmentBytes: 16 * MIB,
  /** Rows of earlier steps one turn loads to see what an assignment is given: a few tasks of a thousand steps. */
  turnDependencies: 10_000,
  /** Due deadlines read at once; the next tick goes on. */
  dueDeadlines: 256,
  /** Fewer are read at once while so many take longer than this: whatever comes meanwhile waits behind them. */
  dueBatch: millis(100),

  watchersPerTask: 64,
  /** What one read for a watcher takes from the log; with the transport's buffer it stays under 1 MiB. */
  watchReadBytes: 256 * KIB,
  /** Recent log rows kept for watchers of one task; older ones are read from the store. */
  watchCacheBytes: 256 * KIB,
  /** Frames waiting for one worker stream; past this the stream is closed and resumes. */
  streamFrames: 4_096,
  /** The same in bytes: the assignments a worker may have waiting, one more of any size, and as much again for acks. */
  streamFrameBytes: 16 * MIB,
  /** Frames wait this long for a worker that takes none of them: two leases of ours. */
  streamStall: millis(60_000),
  /** Assignments not yet taken by one worker's transport, in bytes: several of the largest, so that it never waits for us. */
  unsentPerWorkerBytes: 8 * MIB,
  /** The same over all workers: what may lie in memory because others read slowly. */
  unsentBytes: 64 * MIB,
  /** Inputs read by reference at once; as many answers of the largest size are in memory. */
  inputReads: 16,
  /** Reads of inputs that wait for one of those; more are told to come again. */
  inputReadsWaiting: 1_024,

  pageSizeDefault: 100,
  pageSizeMax: 1_000,
  pageBytes: 2 * MIB,
  pageScannedRows: 10_000,

  /** Connections of one kind of listener: far more than the workers and tools of one plane open. */
  connections: 1_024,
  /** Of them, those that one remote address holds and that have not said who they are: a quarter, so that no one address takes all. */
  connectionsPerAddress: 256,
  streamsPerClientConnection: 100,
  /** Streams of workers, watchers and health checks over all connections: 20 KiB each, 300 MiB together at worst. */
  openStreams: 16_384,
  /** Requests that have begun and not yet been received whole, over all connections. */
  unfinishedRequests: 4_096,
  /** Bytes held for peers that have not finished sending or reading: 24 messages of the largest size; past this the oldest goes, ... */
  heldBytes: 96 * MIB,
  /** ... unless it is younger than this and they are fewer than that: many workers may have large results at once. */
  heldGrace: millis(2_000),
  heldBytesMost: 192 * MIB,
  /** Of them, answers of one connection that it has not read, with those being made: four of the largest size. */
  answersPerConnection: 16 * MIB,
  /** Requests that wait until there is room for their answers; past this the oldest is told to come again. */
  answersWaiting: 1_024,
  /** Messages compressed or expanded at once: as many as Node has threads for it; others wait. */
  compressing: 4,
  /** Streams reset within a second of their opening that one connection may spend at once, ... */
  resetBurst: 100,
  /** ... and get back each second: who cancels watches and requests stays far below it. */
  resetsPerSecond: 10,
  /** Bytes of HTTP/2 frames that carry neither a request nor its content, in a burst and each second. */
  frameOverheadBurst: 4 * MIB,
  frameOverheadPerSecond: 1 * MIB,
  /** HTTP/2 frames with less of a message in them than their own 9 bytes that one connection may send at once, ... */
  tinyFrameBurst: 4_096,
  /** ... and gets back each second; one more with each request: each is as much work as one of 16 KiB. */
  tinyFramesPerSecond: 1_024,
  /** Messages of all streams that are dealt with before timers, sockets and requests get their turn: a few milliseconds of work. */
  messagesPerIteration: 64,
  handshake: millis(5_000),
  headers: millis(5_000),
  /** A message of 4 MiB at a tenth of a megabyte a second, in either direction. */
  body: millis(40_000),
  /** From an answer to the end of its request: several round trips. */
  halfOpen: millis(5_000),
  /** An HTTP/2 connection without an open stream: clients open the next one by themselves. */
  idleConnection: millis(300_000),
  hello: millis(10_000),
  keepalivePing: millis(30_000),
  keepaliveTimeout: millis(10_000),

  maxRunsPerWorker: 1_024,
  /** What a worker that states no capacity gets. */
  defaultRunsPerWorker: 10,
  /** What one worker says of itself is kept while it is connected, and listed with all others. */
  agentsPerWorker: 64,
  backendsPerAgent: 16,
  namespacesPerWorker: 64,
  maxAttempts: 100,
  /** Runs in a row that are handed back, or stop at the checkpoint they began from: an hour and a half of trying. */
  fruitlessRuns: 100,
  /** Runs of one Step in all, so that its Task can be read: a week of checkpoints, one a minute. */
  stepRuns: 10_000,
  /** An agent's hint to wait longer than a day is a mistake, or a task for tomorrow. */
  retryAfterMax: millis(24 * 3_600_000),
  priority: 100,

  /** Commands that finish a turn before the process gives up on a clean stop. */
  drain: millis(10_000),
  /** Finished tasks are kept at least this long, so that an idempotency key holds for a day. */
  retentionMin: millis(24 * 3_600_000),
  /** After a start, what only the time since the last one has made old is kept for so long: to notice a wrong clock. */
  retentionPause: millis(6 * 3_600_000),
  /** A wall clock further than this from what the store remembers is doubted: longer than a long weekend. */
  clockGap: millis(7 * 24 * 3_600_000),
  /** Finished tasks one retention commit removes: a few milliseconds of the writer's time. */
  retentionBatch: 200,
} as const;
