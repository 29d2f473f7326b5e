import { millis } from "#domain/time/time";

/**
 * # PostgreSQL
 *
 * Connections to a PostgreSQL server, and how long it is waited for.
 */
export const postgres = {
  /** Connections for clients' reads, unless the URL says `pool=N`: each is a process of the database. */
  postgresReaders: 8,
  /** Connections for turns and timers. Turns are one after the other; beside them timers look for what is due, and retention removes. */
  postgresWriters: 3,
  /** Calls that wait for a connection; the next one is refused. */
  postgresWaiting: 1_000,
  /** How long a call waits for a connection while all are in use. */
  postgresPoolWait: millis(10_000),
  /** How long a connection may take to be there: of a host that does not answer, the next one is tried. */
  postgresConnect: millis(5_000),
  /** After so long the server cancels a statement. No statement of a store reads or writes more than a page or a turn. */
  postgresStatement: millis(30_000),
  /** After so long without an answer the connection is given up, later than the server would have cancelled the statement. */
  postgresSilence: millis(40_000),
  /** How long a statement waits for a row that another transaction holds: those of a store last milliseconds. */
  postgresLock: millis(10_000),
  /** How long calls wait for a database that is away before they are refused: the restart of a server is not noticed. */
  postgresPatience: millis(4_000),
  /** How long a start waits for a database that is not there, and for a former server's lock to be released. */
  postgresBoot: millis(10_000),
  /** How long a commit whose outcome is unknown waits for the database to come back. After it the plane stops. */
  postgresUnknown: millis(5 * 60_000),
  /** The delay before the second attempt to reach a database that is away; each further one is twice as long. */
  postgresBackoffFirst: millis(50),
  /** The longest of these delays: so long after the database is back, at most, it is used. */
  postgresBackoffMost: millis(2_000),
  /** How often a statement is repeated that lost against another one, or whose connection was lost. */
  postgresTries: 6,
  /** How often a commit is sent again whose answer was lost each time, although the database can be reached. */
  postgresUnknownTries: 20,
  /** Commits after which the ids of old ones are removed: seldom enough to cost nothing. */
  postgresPruneEvery: 1_000,
  /** How long the id of a commit is kept: longer than `postgresUnknown`, in which it may be looked up. */
  postgresCommitsKept: millis(15 * 60_000),
  /** Days that one partition of the log and of the texts covers: retention of a week leaves three. */
  postgresPartitionDays: 7,
  /** Partitions that are made ahead: two weeks without a server cost nothing. */
  postgresPartitionsAhead: 3,
  /** Partitions of a table; beyond them rows go to the one for all others, so that no plan gets slow. */
  postgresPartitions: 110,
  /** How often partitions are made and dropped. */
  postgresPartitionsEvery: millis(3_600_000),
} as const;
